"""The examples that stand in rule files: each is a test, run by `make mappings-check` and by the unit tests.

Each function gives sentences about what came out otherwise; none when all is well.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from procurement.catalog.examples import try_availability, try_price, unshown_catalog
from procurement.catalog.rules import CatalogFile
from procurement.charge_components import AMOUNTS, Components
from procurement.charge_rules import HUNDRED, ChargeExample, ChargeRules, ExampleLine
from procurement.charges import Billed, LineProblem, bill_lines, consolidate
from procurement.compliance.examples import found_by, rules_not_shown
from procurement.compliance.rules import ComplianceFile
from procurement.documents import AccountShare
from procurement.errors import DecisionNeeded, RecordError
from procurement.mapping.coverage import line_context
from procurement.mapping.grammar import MappingExample, MappingFile
from procurement.mapping.lookups import LookupFile, UnitFile
from procurement.mapping.order_grammar import OrderMappingFile
from procurement.mapping.plain import differences, plain
from procurement.money import Money
from procurement.order_status_rules import OrderStatusFile
from procurement.policies import Rules
from procurement.policy_files import AccountFile, EntityFile, Policies, RolloutFile
from procurement.reconciliation_rules import ReconciliationFile
from procurement.reconciling import compare_example
from procurement.routing import RoutingFile
from procurement.rule_files import COMPLIANCE, MAPPINGS, ORDERS, RECEIPTS, RECONCILIATION, SUPPLIERS, RuleFiles
from procurement.sellers.rules import SuppliersFile, try_example, unshown
from procurement.spend.budget_rules import BudgetFile
from procurement.spend.examples import try_budget, try_spend, unshown_budgets, unshown_spend
from procurement.spend.spend_rules import SpendFile
from procurement.taxes import TaxFile
from procurement.tolerances import CHECKS, Side, ToleranceFile

Failures = Iterator[tuple[int, str]]  # number of the example in its file, what is wrong


def failures(read: RuleFiles, rules: Rules) -> list[str]:
    """Every example of every file that does not come out, with file and line."""
    found = []
    for name in read.models:
        run = RUNNERS.get(name, _mapping_examples if name in MAPPINGS else _lookup_examples)
        found += [
            read.sources[name].problem(("examples", number), sentence) for number, sentence in run(name, read, rules)
        ]
    return found


def count(read: RuleFiles) -> int:
    return sum(len(getattr(model, "examples", ())) for model in read.models.values())


def _mapping_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, MappingFile).examples):
        for sentence in _mapping_example(name, example, rules):
            yield number, f"example {example.name!r}: {sentence}"


def _mapping_example(name: str, example: MappingExample, rules: Rules) -> list[str]:
    lines = [line_context(example.header, line) for line in example.lines]
    held: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    try:
        invoice = plain(rules.mapping(name).invoice(example.header, lines))
    except DecisionNeeded as error:
        held, invoice = error.problems, {}
    except RecordError as error:
        problems, invoice = error.problems, {}
    return [
        *_missing("problem", example.expect_problems, problems),
        *_missing("decision", example.expect_held, held),
        *(differences(example.expect, invoice) if not (problems or held) or example.expect else ()),
    ]


def _order_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, OrderMappingFile).examples):
        problems: tuple[str, ...] = ()
        try:
            order = plain(
                rules.orders.order(example.header, [line_context(example.header, one) for one in example.lines])
            )
        except RecordError as error:
            problems, order = error.problems, {}
        found = _missing("problem", example.expect_problems, problems)
        for sentence in [*found, *(differences(example.expect, order) if not problems else ())]:
            yield number, f"example {example.name!r}: {sentence}"


def _missing(word: str, expected: list[str], found: tuple[str, ...]) -> list[str]:
    missing = [
        f"expected the {word} {text!r}, got {list(found)}" for text in expected if not any(text in one for one in found)
    ]
    unexpected = [f"unexpected {word}: {one}" for one in found if not expected]
    return missing + unexpected


def _lookup_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, LookupFile).examples):
        found = rules.lookups[name].find(example.key)
        if found != example.expect:
            yield number, f"{example.key!r} gives {found!r}, expected {example.expect!r}"


def _unit_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    yield from _lookup_examples(name, read, rules)
    for number, example in enumerate(read.of(name, UnitFile).conversion_examples):
        factor = rules.conversions.factor(example.unit, example.into, item=example.item)
        found = factor.units(example.quantity) if factor is not None else None
        if found != example.expect:
            yield (
                number,
                f"{example.quantity} {example.unit} in {example.into} gives {found}, expected {example.expect}",
            )


def _charge_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, ChargeRules).examples):
        for sentence in _charge_example(example, rules):
            yield number, f"example {example.name!r}: {sentence}"


def _charge_example(example: ChargeExample, rules: Rules) -> list[str]:
    lines = [_components(line, example) for line in (example, *example.others)]
    names = {name: name for _, name in rules.charges.named_accounts()}
    found = bill_lines(lines, rules.charges, rules.taxes, names)
    problems = [sentence for line in found if isinstance(line, LineProblem) for sentence in line.problems]
    billed = [line for line in found if not isinstance(line, LineProblem)]
    return problems or differences(example.expect, _billed(billed, lines))


def _components(line: ExampleLine, example: ChargeExample) -> Components:
    def money(amount: Decimal) -> Money:
        return Money.of(amount, example.currency)

    parts: dict[str, Any] = {name: money(getattr(line, name)) for name in AMOUNTS}
    return Components(
        is_refund=example.refund, quantity=line.quantity, total=Money.sum(parts.values(), example.currency),
        unit_price=money(line.unit_price) if line.unit_price is not None else None, tax_rate=line.tax_rate,
        marketplace=example.marketplace, commodity=line.commodity, cost_center=line.cost_center, account=line.account,
        supplier=example.supplier, **parts,
    )  # fmt: skip


def _billed(lines: Sequence[Billed], parts: Sequence[Components]) -> Mapping[str, object]:
    """The first line, and the charges and taxes of all of them; `lines` are the line totals."""
    charged: dict[str, Decimal] = {}
    accounts: dict[str, Decimal] = {}
    for charge in consolidate(charge for line in lines for charge in line.charges):
        charged[charge.kind.value] = charged.get(charge.kind.value, Decimal(0)) + charge.total.amount
        shares = charge.allocations or [AccountShare(charge.account or "", HUNDRED, charge.total)]
        for share in shares:
            accounts[share.account] = accounts.get(share.account, Decimal(0)) + share.amount.amount
    first = lines[0]
    shown = {
        "quantity": first.quantity, "unit_price": first.unit_price, "line": first.total.amount,
        "lines": " ".join(str(line.total.amount) for line in lines), "total": sum((one.total.amount for one in parts), Decimal(0)),
        "tax": sum((tax.amount.amount for line in lines for tax in line.tax_lines), Decimal(0)),
        "adjustment_type": first.adjustment_type, "treatment": first.treatment.kind, "code": first.treatment.code,
        "split": " ".join(f"{share.account} {share.amount.amount}" for share in first.allocations),
        "accounts": " ".join(f"{name} {amount}" for name, amount in accounts.items()), **charged,
    }  # fmt: skip
    return {key: plain(value) for key, value in shown.items()}


def _tax_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, TaxFile).examples):
        found = rules.taxes.treat(example.country, rate=example.rate, tax=example.rate, exemption=example.exemption)
        if (found.kind, found.code) != (example.treatment, example.code):
            yield (
                number,
                f"{example.country} at {example.rate} % is {found.kind}, code {found.code}; expected {example.treatment}, code {example.code}",
            )


def _tolerance_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, ToleranceFile).examples):
        if example.check not in CHECKS:
            yield number, f"there is no check {example.check!r}; known are {', '.join(CHECKS)}"
            continue
        side: Side = "over" if example.actual >= example.expected else "under"
        rule = rules.tolerances.find(
            example.check, side=side, supplier=example.supplier, commodity=example.commodity, chart=example.chart,
            on=example.on,
        )  # fmt: skip
        breached = rule is not None and abs(example.actual - example.expected) > rule.of(example.expected)
        if breached != example.breached:
            allowed = "nothing is checked" if rule is None else f"the limit is {rule.of(example.expected)}"
            yield (
                number,
                f"{example.check} {example.actual} against {example.expected}: {allowed}, so breached is {str(breached).lower()}",
            )
        place = rule.place if rule is not None else None
        if example.rule is not None and example.rule != place:
            yield number, f"{example.check}: {place or 'no rule'} decides, expected {example.rule}"


def _policy_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, Policies).examples):
        found = rules.policies.marketplace_of(example.marketplace)
        if found != example.expect:
            yield number, f"{example.marketplace!r} gives {found!r}, expected {example.expect!r}"


def _routing_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, RoutingFile).examples):
        found = rules.routing.route(example.case)
        if found.owners != (example.expect,):
            yield number, f"{example.kind} goes to {found.owners[0]}, expected {example.expect}"
        if example.expect_do not in (None, found.do):
            yield number, f"{example.kind} does {list(found.do)}, expected {list(example.expect_do or ())}"


def _rollout_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, RolloutFile).examples):
        found = rules.rollout.of(
            example.pipeline, account=example.account, supplier=example.supplier, cost_center=example.cost_center
        )
        if found.mode is not example.expect:
            yield number, f"{example.pipeline} is {found.mode.value}, expected {example.expect.value}"


def _account_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, AccountFile).examples):
        for sentence in differences(example.expect, rules.accounts.context(example.account)):
            yield number, f"account {example.account}: {sentence}"


def _entity_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, EntityFile).examples):
        entity = rules.entities.charts.get(example.chart)
        for sentence in differences(example.expect, entity.model_dump() if entity else {}):
            yield number, f"chart {example.chart}: {sentence}"


def _receipt_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(rules.receipts.examples):
        for sentence in differences(example.expect, rules.receipts.try_example(example.delivery)):
            yield number, f"example {example.name!r}: {sentence}"


def _order_status_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, OrderStatusFile).examples):
        found = rules.order_status.actions(
            example.change, charged=example.charged, amount=example.amount, commodity=example.commodity
        )
        if found != example.expect:
            yield number, f"{example.change} does {list(found)}, expected {list(example.expect)}"


def _catalog_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    file = read.of(name, CatalogFile)
    for number, example in enumerate(file.examples):
        for sentence in try_price(example, file):
            yield number, f"example {example.name!r}: {sentence}"
    for number, one in enumerate(file.availability_examples):
        for sentence in try_availability(one, file):
            yield number, f"availability {sentence}"


def _reconciliation_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, ReconciliationFile).examples):
        found = compare_example(example, rules.reconciliation)
        if found != example.expect:
            yield number, f"example {example.name!r}: finds {found}, expected {example.expect}"


def _supplier_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, SuppliersFile).examples):
        found = try_example(example, rules.suppliers, rules.lookups["commodities"].find)
        if found != example.expect:
            yield number, f"gives {list(found)}, expected {list(example.expect)}"


def _compliance_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, ComplianceFile).examples):
        found = found_by(example, rules.compliance)
        if found != example.expect:
            yield number, f"example {example.name!r}: found by {found}, expected {example.expect}"


def _spend_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, SpendFile).examples):
        for sentence in try_spend(example, rules.spend):
            yield number, f"example {example.name!r}: {sentence}"


def _budget_examples(name: str, read: RuleFiles, rules: Rules) -> Failures:
    for number, example in enumerate(read.of(name, BudgetFile).examples):
        for sentence in try_budget(example, rules.budgets):
            yield number, f"example {example.name!r}: {sentence}"


def not_shown(rules: Rules) -> list[str]:
    """Parts of rule files that no example shows, with their file: nobody would notice a mistake there."""
    parts = {
        SUPPLIERS: unshown(rules.suppliers, rules.lookups["commodities"].find),
        COMPLIANCE: [f"rule {name}" for name in rules_not_shown(rules.compliance)],
        "spend": unshown_spend(rules.spend),
        "budgets": unshown_budgets(rules.budgets),
        "catalog": unshown_catalog(rules.catalog),
    }
    return [f"{name}.yml: no example shows {part}" for name, missing in parts.items() for part in missing]


RUNNERS: Mapping[str, Callable[[str, RuleFiles, Rules], Failures]] = {
    ORDERS: _order_examples,
    "charges": _charge_examples,
    COMPLIANCE: _compliance_examples,
    "taxes": _tax_examples,
    "tolerances": _tolerance_examples,
    "units": _unit_examples,
    "policies": _policy_examples,
    "routing": _routing_examples,
    "rollout": _rollout_examples,
    "accounts": _account_examples,
    "entities": _entity_examples,
    "order_status": _order_status_examples,
    "spend": _spend_examples,
    "budgets": _budget_examples,
    RECEIPTS: _receipt_examples,
    "catalog": _catalog_examples,
    RECONCILIATION: _reconciliation_examples,
    SUPPLIERS: _supplier_examples,
}
