"""The shipped rules, switched live."""

import shutil
import tempfile
from pathlib import Path

from procurement.policies import Rules, read_rules

LIVE = """\
pipelines:
  amazon_invoices_to_coupa: {{mode: live, go_live: {go_live}}}
examples:
  - {{pipeline: amazon_invoices_to_coupa, expect: live}}
"""


def live_rules(go_live: str) -> Rules:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "mappings"
        shutil.copytree("mappings", directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        (directory / "rollout.yml").write_text(LIVE.format(go_live=go_live))
        return read_rules(directory)
