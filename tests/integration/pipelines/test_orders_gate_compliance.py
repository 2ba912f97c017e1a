"""compliance.yml at the gate: nothing that it blocks or routes reaches Amazon, and what was agreed to does."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from procurement.ledger import Ledger
from procurement.pipelines.coupa_requisitions_to_amazon_orders import PIPELINE
from procurement.policies import Rules, read_rules
from tests.integration.pipelines.buying import IMPATIENT, OrderRun
from tests.integration.pipelines.conftest import StartSandbox, connect_amazon
from tests.integration.pipelines.test_orders import purchase_order
from tests.integration.pipelines.test_orders_gate import errors_of, numbers, requisition_id
from tests.integration.pipelines.test_orders_gate_rollout import later

pytestmark = pytest.mark.integration
SHIPPED = (
    '    unspsc: ["46101", "49101"] # firearms; collectibles\n    asins: []\n    severity: high\n    action: block\n'
)


def switched(
    directory: Path,
    asins: list[str],
    *,
    codes: Sequence[str] = ("46101", "49101"),
    rules: str = "rules:\n",
    approver: str = "catalog.admin",
    action: str = "block",
    compliance: str = "live",
    days: int = 0,
) -> Rules:
    """Both pipelines' rollout, and the shipped rule about restricted goods with these articles."""
    rollout = {
        PIPELINE: "{mode: live, go_live: 2026-06-01}",
        "purchase_compliance": f"{{mode: {compliance}, go_live: 2026-06-01}}",
    }
    lines = "".join(f"  {name}: {entry}\n" for name, entry in rollout.items())
    (directory / "rollout.yml").write_text(
        f"pipelines:\n{lines}examples:\n  - {{pipeline: something_else, expect: off}}\n"
    )
    file = directory / "compliance.yml"
    text = file.read_text()
    assert SHIPPED in text
    route = f"    approver: {approver}\n" if action == "route" else ""
    listed = ", ".join(f'"{asin}"' for asin in asins)
    changed = SHIPPED.replace("asins: []", f"asins: [{listed}]").replace(
        "action: block\n", f"action: {action}\n{route}"
    )
    changed = changed.replace('"46101", "49101"', ", ".join(f'"{code}"' for code in codes))
    text = text.replace(SHIPPED, changed).replace("report_only_days: 30", f"report_only_days: {days}")
    file.write_text(text.replace("rules:\n", rules, 1))
    read = read_rules(directory)
    object.__setattr__(read, "policies", read.policies.model_copy(update={"sending": IMPATIENT}))
    return read


@pytest.fixture
def run(start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path) -> OrderRun:
    return OrderRun(start_sandbox("buying_plain", orders="2", lines="1"), ledger, read_rules(mappings_directory))


def asin_of(run: OrderRun, number: str) -> str:
    return str(purchase_order(run.pair, number)["order-lines"][0]["source-part-num"])


def test_what_is_blocked_is_held_with_the_reason_and_a_waiver_lets_it_through(
    run: OrderRun, ledger: Ledger, mappings_directory: Path
) -> None:
    number, other = numbers(run)
    blocked = asin_of(run, number)
    run.rules = switched(mappings_directory, [blocked])
    run("one", po_numbers=[number, other])
    (row,) = run.placed(number)
    assert (row.state, row.reason) == ("held", "compliance: restricted_goods blocks it")
    assert any("the article may not be bought" in error for error in errors_of(ledger, number))
    expected = "held" if asin_of(run, other) == blocked else "delivered"
    assert [one.state for one in run.placed(other)] == [expected]
    file = mappings_directory / "compliance.yml"
    waiver = f'waivers:\n  - {{rule: restricted_goods, po: "{number}", by: compliance officer, reason: range day}}\n'
    file.write_text(file.read_text().replace("waivers: []", waiver, 1))
    rules = read_rules(mappings_directory)
    object.__setattr__(rules, "policies", run.rules.policies)
    run.rules = rules
    ledger.dead_letters.replay(f"D-{row.id}")
    run("two")
    assert [one.state for one in run.placed(number)] == ["delivered"]
    assert run.writes()["placeOrder"] == 1 + (expected == "delivered")


def test_what_is_routed_waits_until_the_approver_says_yes_in_coupa(
    run: OrderRun, ledger: Ledger, mappings_directory: Path
) -> None:
    number = numbers(run)[0]
    run.rules = switched(mappings_directory, [asin_of(run, number)], action="route")
    order = purchase_order(run.pair, number)["id"]
    person = {"commentable_type": "OrderHeader", "commentable_id": order, "by": "catalog.admin"}
    run.coupa("comment", **person, comments="Approved, whatever comes")  # nobody asked yet
    run("one", po_numbers=[number])
    (row,) = run.placed(number)
    assert (row.state, row.reason) == (
        "waiting",
        "compliance: restricted_goods waits for the approval of catalog.admin",
    )
    run("two", po_numbers=[number])
    asked = [text for text in comments(run) if "asks for your approval" in text]
    assert len(asked) == 1 and asked[0].startswith("@[User:624]")
    order = purchase_order(run.pair, number)["id"]
    run.coupa(
        "comment",
        commentable_type="OrderHeader",
        commentable_id=order,
        by="jane.doe",
        comments="Approved, please hurry",
    )
    run("three", po_numbers=[number])
    assert [one.state for one in run.placed(number)] == ["waiting"], "only the approver's word counts"
    run.coupa(
        "comment",
        commentable_type="OrderHeader",
        commentable_id=order,
        by="catalog.admin",
        comments="Approved for the range day",
    )
    run("four", po_numbers=[number])
    assert [one.state for one in run.placed(number)] == ["delivered"]
    assert run.writes()["placeOrder"] == 1
    assert ledger.dead_letters.list(states=("held", "dead")) == []


def comments(run: OrderRun) -> list[str]:
    return [str(row["comments"]) for row in run.pair.state("coupa", "comments")]


@pytest.mark.parametrize(
    ("action", "compliance", "days"),
    [("flag", "live", 0), ("block", "shadow", 0), ("block", "off", 0), ("block", "live", 60)],
)
def test_a_flag_and_days_that_only_report_stop_nothing(
    run: OrderRun, mappings_directory: Path, action: str, compliance: str, days: int
) -> None:
    number = numbers(run)[0]
    run.rules = switched(mappings_directory, [asin_of(run, number)], action=action, compliance=compliance, days=days)
    before = run.pair.calls("coupa")["by_operation"]
    run("one", po_numbers=[number])
    assert [one.state for one in run.placed(number)] == ["delivered"]
    read = {name for name in run.pair.calls("coupa")["by_operation"] if name not in before}
    assert ("list_contracts" in read) == (action == "flag")


def test_what_is_restricted_by_its_unspsc_code_is_held_though_the_order_names_no_code(
    run: OrderRun, mappings_directory: Path
) -> None:
    """Coupa's lines carry no such code: Amazon is asked for those of the articles."""
    number = numbers(run)[0]
    code = unspsc_of(run, asin_of(run, number))
    run.rules = switched(mappings_directory, [], codes=[code[:5]])
    run("one", po_numbers=[number])
    (row,) = run.placed(number)
    assert (row.state, row.reason) == ("held", "compliance: restricted_goods blocks it")
    assert run.writes().get("placeOrder", 0) == 0


def test_an_order_again_that_waits_for_the_approver_goes_on_by_itself_once_he_agreed(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path
) -> None:
    run = OrderRun(start_sandbox("buying_plain", orders="1", lines="3"), ledger, read_rules(mappings_directory))
    run.rules = switched(mappings_directory, [])
    (number,) = numbers(run)
    line = purchase_order(run.pair, number)["order-lines"][0]
    dearer = {"offerId": line["supp-aux-part-num"], "price": str(float(line["price"]) * 2)}
    run("one", between=lambda: run.amazon("reprice_offer", **dearer))
    run.amazon("reprice_offer", offerId=line["supp-aux-part-num"], price=str(line["price"]))
    run.rules = switched(mappings_directory, [asin_of(run, number)], action="route")
    run("two", po_numbers=[number])
    assert [row.state for row in run.placed(number)] == ["delivered", "waiting"]
    order = purchase_order(run.pair, number)["id"]
    agreed = {"commentable_type": "OrderHeader", "commentable_id": order, "by": "catalog.admin", "comments": "Approved"}
    run.coupa("comment", **agreed)
    run("three")
    assert [row.state for row in run.placed(number)] == ["delivered", "delivered"]


@pytest.mark.parametrize("runs", [1, 2])
def test_an_order_that_amazon_does_not_report_yet_is_seen_by_the_one_after_it(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path, runs: int
) -> None:
    """Two orders of one buyer, each under the limit, together over it: one is sent, whether they go in one run or in two."""
    run = OrderRun(start_sandbox("buying_plain", orders="8", lines="1"), ledger, read_rules(mappings_directory))
    first, second = orders_of_one_buyer(run)
    limit = max(totals(run, first), totals(run, second)) + Decimal("0.01")
    assert totals(run, first) + totals(run, second) >= limit
    rule = (
        "rules:\n  - name: in_parts\n    kind: split_order\n    same: buyer\n    action: block\n    before_order: true\n"
        f"    limit: {limit}\n"
    )
    run.rules = switched(mappings_directory, [], rules=rule)
    for n, named in enumerate([[first, second]] if runs == 1 else [[first], [second]]):
        run(f"run {n}", po_numbers=named)
    rows = [row for number in (first, second) for row in run.placed(number)]
    assert sorted((row.state, row.reason) for row in rows) == [
        ("delivered", None),
        ("held", "compliance: in_parts blocks it"),
    ]


def orders_of_one_buyer(run: OrderRun) -> tuple[str, str]:
    buyers = {row["id"]: row["requested-by"]["login"] for row in run.pair.state("coupa", "requisitions")}
    by_buyer: dict[str, list[str]] = {}
    for number in numbers(run):
        by_buyer.setdefault(buyers[requisition_id(run, number)], []).append(number)
    first, second, *_ = max(by_buyer.values(), key=len)
    return first, second


def totals(run: OrderRun, number: str) -> Decimal:
    lines = purchase_order(run.pair, number)["order-lines"]
    return sum((Decimal(str(line["price"])) * Decimal(str(line["quantity"])) for line in lines), Decimal(0))


def test_one_question_names_all_that_its_rule_found_an_answer_may_quote_it_and_silence_is_mailed(
    start_sandbox: StartSandbox, ledger: Ledger, mappings_directory: Path
) -> None:
    run = OrderRun(start_sandbox("buying_plain", orders="1", lines="2"), ledger, read_rules(mappings_directory))
    (number,) = numbers(run)
    order = purchase_order(run.pair, number)
    asins = [line["source-part-num"] for line in order["order-lines"]]
    run.rules = switched(mappings_directory, asins, action="route")
    run("one")
    (asked,) = [text for text in comments(run) if "asks for your approval" in text]
    assert all(asin in asked for asin in asins)
    later(run, days=4)
    run("two")
    run("three")
    (mail,) = [one for one in run.mails if "/unanswered/" in one.key]
    assert number in mail.body["subject"] and "catalog.admin" in mail.body["subject"]
    quoting = f"Approved {asked[asked.rindex('[') :]}"
    person = {"commentable_type": "OrderHeader", "commentable_id": order["id"], "by": "catalog.admin"}
    run.coupa("comment", **person, comments=quoting)
    run("four")
    assert [row.state for row in run.placed(number)] == ["delivered"]


def test_an_approver_whom_coupa_does_not_know_holds_the_order_and_says_what_to_do(
    run: OrderRun, ledger: Ledger, mappings_directory: Path
) -> None:
    number = numbers(run)[0]
    run.rules = switched(mappings_directory, [asin_of(run, number)], action="route", approver="long.gone")
    run("one", po_numbers=[number])
    (row,) = run.placed(number)
    assert (row.state, row.reason) == (
        "held",
        "compliance: restricted_goods asks long.gone, who is no active user of Coupa",
    )
    assert any("Name another approver" in error for error in errors_of(ledger, number))
    assert not [text for text in comments(run) if "asks for your approval" in text]


def unspsc_of(run: OrderRun, asin: str) -> str:
    (product,) = connect_amazon(run.pair, run.ledger).products([asin])
    assert product.unspsc is not None
    return product.unspsc
