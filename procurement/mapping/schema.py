"""JSON Schemas of the rule files, for editors: completion and red underlines while a person types.

Generated from the models that read the files, committed as `mappings/schema/<name>.json`; `make mappings-check` fails
when they differ.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from procurement.rule_model import RuleModel

FOLDER = "schema"


def schema_of(name: str, model: type[RuleModel]) -> str:
    """The schema as it is committed."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(by_alias=True),
        "title": f"{name}.yml",
    }
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_schemas(directory: Path, models: Mapping[str, type[RuleModel]]) -> list[Path]:
    """Writes those that changed, and removes those of files that are no more."""
    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    changed = [folder / f"{name}.json" for name in outdated(directory, models) if name in models]
    for path in changed:
        path.write_text(schema_of(path.stem, models[path.stem]))
    for path in folder.glob("*.json"):
        if path.stem not in models:
            path.unlink()
    return changed


def outdated(directory: Path, models: Mapping[str, type[RuleModel]]) -> list[str]:
    """Names whose committed schema is missing, different, or of no file."""
    folder = directory / FOLDER
    found = {path.stem: path.read_text() for path in folder.glob("*.json")}
    return sorted(
        {name for name, model in models.items() if found.get(name) != schema_of(name, model)}
        | (found.keys() - models.keys())
    )
