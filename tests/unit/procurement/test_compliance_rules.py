"""compliance.yml refuses what would never be asked, and says where and how it is spelled."""

import shutil
from pathlib import Path

import pytest

from procurement.compliance.examples import rules_not_shown
from procurement.compliance.rules import ComplianceRule
from procurement.errors import MappingError
from procurement.policies import read_rules

SHIPPED = Path(__file__).parents[3] / "mappings"
NEW = "rules:\n  - name: another\n    kind: "
MISTAKES = [
    ("rules:\n", f"{NEW}no_pos\n", "no_pos"),
    ("rules:\n", f"{NEW}split_order\n", "split_order needs limit"),
    ("rules:\n", f"{NEW}expired_certification\n", "expired_certification needs certifications"),
    ("rules:\n", f"{NEW}restricted\n", "restricted needs unspsc or asins"),
    ("rules:\n", f"{NEW}no_po\n    limit: 100\n", "limit is no setting of no_po"),
    ("rules:\n", f"{NEW}no_po\n    action: route\n", "route needs approver"),
    ("rules:\n", f"{NEW}no_po\n    escalate_to: [boss]\n", "'boss' is no mail address"),
    ("rules:\n", f"{NEW}no_po\n    before_order: true\n", "no_po can only be known once Amazon has the order"),
    ("rules:\n", f"{NEW}no_po\n    severety: low\n", "severity"),
    ("rules:\n", f"{NEW}split_order\n    limit: 100\n    before_order: true\n", "say same: buyer or same: commodity"),
    (
        "rules:\n",
        f"{NEW}duplicate\n    when: {{seller: Pen Traders}}\n    before_order: true\n",
        "leave out when.seller",
    ),
    ("rules:\n", f"{NEW}split_order\n    limit: 100\n    days: 31\n", "a rule looks back 31 days"),
    ("rules:\n", f"{NEW}duplicate\n    same: seller\n", "duplicates are of one buyer or one cost center"),
    ("name: restricted_goods", "name: around_coupa", "two rules are called 'around_coupa'"),
    ("waivers: []", "waivers:\n  - {rule: restricted_good, po: '1', by: me, reason: so}\n", "restricted_goods"),
    ("waivers: []", "waivers:\n  - {rule: restricted_goods, by: me, reason: so}\n", "a waiver names an order or a po"),
    ("expect: [around_coupa]", "expect: [around_cupa]", "around_coupa"),
    ("queue: compliance.queue@example.com", "queue: nobody", "'nobody' is no mail address"),
]


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES, ids=[said for _, _, said in MISTAKES])
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    directory = tmp_path / "mappings"
    shutil.copytree(SHIPPED, directory, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    file = directory / "compliance.yml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(MappingError) as caught:
        read_rules(directory)
    assert "compliance.yml:" in str(caught.value) and said in str(caught.value)


def test_every_rule_as_shipped_is_shown_by_an_example_of_the_file() -> None:
    file = read_rules(SHIPPED).compliance
    assert rules_not_shown(file) == []
    unseen = file.model_copy(update={"examples": file.examples[:1]})
    assert rules_not_shown(unseen) == [rule.name for rule in file.rules]


def test_an_asin_is_compared_as_amazon_writes_it() -> None:
    restricted = ComplianceRule.model_validate({"name": "a", "kind": "restricted", "asins": ["b0example1"]})
    agreed = ComplianceRule.model_validate({"name": "b", "kind": "over_contract", "units": {"b0example1": 5}})
    assert (restricted.asins, list(agreed.units)) == (("B0EXAMPLE1",), ["B0EXAMPLE1"])
