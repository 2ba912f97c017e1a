"""What a customer may switch on, and the demo does: opt-ins of the shipped rule files, so that there is something to see."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

OPT_INS: Mapping[str, Mapping[str, Any]] = {  # by rule file: dotted key -> value
    "suppliers": {"onboarding.create": True},
    "compliance": {"report_only_days": 0},
}


def switch_on(mappings: Path, opt_ins: Mapping[str, Mapping[str, Any]] = OPT_INS) -> None:
    """Rewrites the rule files of a copy; KeyError for a switch that no longer exists under this name."""
    for name, values in opt_ins.items():
        path = mappings / f"{name}.yml"
        rules = yaml.safe_load(path.read_text())
        for dotted, value in values.items():
            *sections, last = dotted.split(".")
            section = rules
            for one in sections:
                section = section[one]
            if last not in section:
                raise KeyError(f"{path.name} has no {dotted}")
            section[last] = value
        path.write_text(yaml.safe_dump(rules, sort_keys=False, allow_unicode=True))
