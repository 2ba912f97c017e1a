"""`python -m procurement.mapping.check`: is everything in `mappings/` right? Behind `make mappings-check`.

Reads every file, runs every example, shows which invoice fields are filled and from where, and compares the JSON
Schemas for editors. Exit code 1 with one line per mistake: file, line, key, and the nearest valid word.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from procurement import rule_examples
from procurement.errors import MappingError
from procurement.mapping import coverage, schema
from procurement.mapping.grammar import MappingFile
from procurement.policies import Rules, build_rules, mappings_directory, read_rule_files
from procurement.rule_files import MAPPINGS, RULE_FILES, RuleFiles


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what was checked; 0 when all is well."""
    parser = argparse.ArgumentParser(
        prog="python -m procurement.mapping.check", description="Checks the rule files of mappings/."
    )
    parser.add_argument(
        "directory", nargs="?", type=Path, help="default: PROCUREMENT_MAPPINGS, else the installed mappings"
    )
    parser.add_argument(
        "--write-schema", action="store_true", help="write the JSON Schemas for editors instead of comparing them"
    )
    chosen = parser.parse_args(arguments)
    directory = chosen.directory or mappings_directory()
    if chosen.write_schema:
        for path in schema.write_schemas(directory, RULE_FILES):
            print(f"wrote {path}")
    try:
        read = read_rule_files(directory)
    except MappingError as error:
        return _fail(str(error).splitlines())
    rules = build_rules(read)
    problems = [*rule_examples.failures(read, rules), *_schema_problems(directory)]
    if problems:
        return _fail(problems)
    _show(read, rules)
    return 0


def _schema_problems(directory: Path) -> list[str]:
    """Only a directory that has schemas is held to them: a customer's own may do without."""
    if not (directory / schema.FOLDER).is_dir():
        return []
    stale = schema.outdated(directory, RULE_FILES)
    return [
        f"{directory.name}/{schema.FOLDER}/{name}.json: out of date; run `python -m procurement.mapping.check --write-schema`"
        for name in stale
    ]


def _show(read: RuleFiles, rules: Rules) -> None:
    for name in MAPPINGS:
        print("\n".join(coverage.report(name, coverage.coverage(read.of(name, MappingFile)))))
        print()
    for sentence in rule_examples.not_shown(rules):
        print(sentence)
    print(f"{len(read.models)} files are right, {rule_examples.count(read)} examples come out as they say.")


def _fail(problems: Sequence[str]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    print(
        f"\n{len(problems)} mistake{'s' if len(problems) != 1 else ''} in the rule files; nothing uses them until they are mended.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
