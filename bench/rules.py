"""The shipped rules, switched live."""

import shutil
import tempfile
from pathlib import Path

from procurement.policies import Rules, read_rules

PIPELINES = (
    "coupa_requisitions_to_amazon_orders",
    "amazon_order_status_to_coupa",
    "amazon_deliveries_to_coupa_receipts",
    "amazon_invoices_to_coupa",
    "amazon_catalog_to_coupa",
    "amazon_spend_to_coupa_budgets",
    "purchase_compliance",
)


def live_rules(go_live: str) -> Rules:
    """The shipped rules with every pipeline live from `go_live` on."""
    rollout = ["pipelines:"]
    for name in PIPELINES:
        rollout.append(f"  {name}: {{mode: live, go_live: {go_live}}}")
    rollout += ["examples:", "  - {pipeline: something_else, expect: off}", ""]
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "mappings"
        shutil.copytree("mappings", directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        (directory / "rollout.yml").write_text("\n".join(rollout))
        return read_rules(directory)
