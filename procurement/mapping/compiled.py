"""A mapping compiled once: a vendor's documents in, an `Invoice` out.

Promises: every problem of a document is reported at once; lines, charges and taxes are Amazon's total to the cent
(checked on every document); what contradicts itself is never guessed at, it raises `DecisionNeeded`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from procurement.charge_components import Components
from procurement.charge_rules import ChargeRules
from procurement.charges import Billed, LineProblem, bill_lines, consolidate, six_decimals
from procurement.documents import Invoice, InvoiceCharge, InvoiceLine, Note
from procurement.errors import DecisionNeeded, RecordError
from procurement.mapping.converters import FieldProblem
from procurement.mapping.fields import Context, Read, Tables, compile_read, compile_target
from procurement.mapping.grammar import FieldRule, HeaderRules, LineRules, MappingFile, targets
from procurement.money import Money
from procurement.taxes import TaxRules
from procurement.units_of_measure import COUPA_STEP, Conversions

CUSTOM = "custom_fields."
COMPONENTS = (
    "is_refund", "quantity", "principal", "total", "unit_price", "shipping", "gift_wrap", "regulatory_fee", "discount",
    "tax", "tax_rate", "shipping_tax_rate", "gift_wrap_tax_rate", "tax_exemption", "marketplace", "commodity",
    "cost_center", "account",
)  # fmt: skip
LINE_FIELDS = (
    "po_number", "po_line_number", "po_line_id", "description", "part_number", "unit_of_measure", "commodity", "account",
    "match_reference",
)  # fmt: skip
PO_FIELDS = frozenset({"po_number", "po_line_number", "po_line_id"})  # only of lines that come with a `po_line`
OVERREFUND = "OVERREFUND"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Choices:
    """The rule files beside the mapping; `accounts` are named accounts by chart."""

    charges: ChargeRules
    taxes: TaxRules
    accounts: Mapping[str, Mapping[str, str]]
    conversions: Conversions


@dataclass(slots=True)
class _Findings:
    """What is wrong, and what a person must decide, while one document is built."""

    problems: list[str]
    decisions: list[str]


class CompiledMapping:
    """One field mapping, ready to run; safe to share between threads."""

    def __init__(self, name: str, file: MappingFile, tables: Tables, choices: Choices) -> None:
        self.name = name
        self._choices = choices
        self._header = [(target, _header_field(target, rules, tables)) for target, rules in targets(file.header)]
        self._line = [(target, compile_target(target, rules, tables)) for target, rules in targets(file.line)]
        self._agreements = _agreements(file.header) + _agreements(file.line)
        self._header_custom, self._line_custom = _custom_names(self._header), _custom_names(self._line)
        self._coding = [
            (path, compile_read([path]))
            for path in dict.fromkeys(path for rule in file.line.account for path in rule.from_paths)
            if path.startswith("line.")
        ]
        self._order_id = compile_read(("line.orderId",))
        self._transaction_type = compile_read(("transaction.transactionType",))

    def invoice(self, header: Context, lines: Sequence[Context]) -> Invoice:
        """Raises RecordError with every problem, DecisionNeeded where only a person can decide."""
        found = _Findings([], [])
        top = self._read_header(header, lines, found)
        label = f"Invoice {top.get('number') or '(no number)'}"
        rows = [self._read_line(number, context, found) for number, context in enumerate(lines, 1)]
        if not lines:
            found.problems.append("It has no lines.")
        billed = self._bill(top, rows, found)
        if found.problems:
            raise RecordError(label, found.problems)
        self._check_agreements(header, lines, found)
        if len(billed) < len(rows):  # a line in another currency: there is no one document to build
            raise DecisionNeeded(label, found.decisions)
        invoice = self._assemble(top, rows, billed)
        self._balance(label, invoice, rows)
        found.decisions += self._uncoded(invoice, lines)
        if found.decisions:
            raise DecisionNeeded(label, list(dict.fromkeys(found.decisions)))
        return invoice

    def _read_header(self, header: Context, lines: Sequence[Context], found: _Findings) -> dict[str, Any]:
        values: dict[str, Any] = {}
        conflicts: set[tuple[str, ...]] = set()
        for target, field in self._header:
            try:
                values[target] = field(header, lines)
            except FieldProblem as problem:
                found.problems.append(f"{target} {problem}.")
            except _Conflict as conflict:
                values[target] = conflict.first
                if conflict.source not in conflicts:  # bill-to follows the chart: one decision, not two
                    conflicts.add(conflict.source)
                    found.decisions.append(str(conflict))
        return values

    def _read_line(self, number: int, context: Context, found: _Findings) -> dict[str, Any]:
        """A line with an unreadable field has no value for it, and is billed no further."""
        values: dict[str, Any] = {}
        backed = "po_line" in context
        for target, field in self._line:
            if not backed and target in PO_FIELDS:
                continue
            try:
                values[target] = field(context)
            except FieldProblem as problem:
                name = self._name(number, context) if target == "account" else f"Line {number}"
                found.problems.append(f"{name}: {target} {problem}.")
                values[UNREADABLE] = True
        values["is_overrefund"] = self._transaction_type(context) == OVERREFUND
        return values

    def _bill(self, top: Mapping[str, Any], rows: Sequence[dict[str, Any]], found: _Findings) -> list[Billed]:
        accounts = self._choices.accounts.get(top.get("chart_of_accounts") or "", {})
        readable: dict[int, Components] = {}
        for number, row in enumerate(rows, 1):
            if UNREADABLE in row or "currency" not in top:
                continue
            if row["total"].currency != top["currency"]:
                found.decisions.append(
                    f"Line {number}: billed in {row['total'].currency} on an invoice in {top['currency']}."
                )
                continue
            readable[number] = Components(
                is_overrefund=row["is_overrefund"], supplier=top.get("supplier"),
                **{name: row.get(name) for name in COMPONENTS},  # type: ignore[arg-type]
            )  # fmt: skip
        billed = []
        lines = bill_lines(list(readable.values()), self._choices.charges, self._choices.taxes, accounts)
        for (number, parts), line in zip(readable.items(), lines, strict=True):
            if isinstance(line, LineProblem):
                found.problems.extend(f"Line {number}: {sentence}" for sentence in line.problems)
                continue
            if not line.treatment.known:
                found.decisions.append(_unknown_tax(number, parts, line.treated_rate))
            billed.append(line)
        return billed

    def _check_agreements(self, header: Context, lines: Sequence[Context], found: _Findings) -> None:
        for check in self._agreements:
            for context in (header, *lines):
                sentence = check(context)
                if sentence and sentence not in found.decisions:
                    found.decisions.append(sentence)

    def _assemble(self, top: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], billed: Sequence[Billed]) -> Invoice:
        charges = [charge for line in billed for charge in line.charges]
        is_credit_note = all(row["is_refund"] for row in rows)
        return Invoice(
            number=top["number"], date=top["date"], is_credit_note=is_credit_note, supplier=top["supplier"],
            currency=top["currency"], supplier_total=top["supplier_total"],
            lines=tuple(self._line_of(number, row, line) for number, (row, line) in enumerate(zip(rows, billed, strict=True), 1)),
            charges=self._charges(charges),
            chart_of_accounts=top.get("chart_of_accounts"), payment_term=top.get("payment_term"), bill_to=top.get("bill_to"),
            remit_to=top.get("remit_to"), original_number=top.get("original_number"), original_date=top.get("original_date"),
            requester_email=top.get("requester_email"), custom_fields=_custom(top, self._header_custom), notes=tuple(_notes(billed)),
        )  # fmt: skip

    def _line_of(self, number: int, row: Mapping[str, Any], billed: Billed) -> InvoiceLine:
        line, unit = _line(number, row, billed, self._line_custom), row.get("billed_unit")
        return (
            line if unit is None or unit == line.unit_of_measure else _restated(line, unit, self._choices.conversions)
        )

    def _name(self, number: int, context: Context) -> str:
        """The line, with the Amazon order on which somebody chose its coding."""
        order = self._order_id(context)
        return f"Line {number} of order {order}" if order else f"Line {number}"

    def _uncoded(self, invoice: Invoice, contexts: Sequence[Context]) -> Iterator[str]:
        """Lines that neither a PO nor the mapping gives an account: Coupa would refuse them."""
        for line, context in zip(invoice.lines, contexts, strict=True):
            if line.po_line_id is None and not (line.account or line.allocations):
                chosen = [f"{path} {value!r}" for path, read in self._coding if (value := read(context)) is not None]
                why = f"no account follows from {', '.join(chosen)}" if chosen else "nothing says which account"
                yield (
                    f"{self._name(line.number, context)} ({line.description[:60]}): it names no PO, and {why}. Add a row to the "
                    "lookup and replay, or enter the invoice in Coupa and discard this one."
                )

    def _charges(self, charges: Sequence[InvoiceCharge]) -> tuple[InvoiceCharge, ...]:
        return consolidate(charges) if self._choices.charges.consolidate else tuple(charges)

    def _balance(self, label: str, invoice: Invoice, rows: Sequence[Mapping[str, Any]]) -> None:
        """Conservation: the document is what Amazon's lines add up to, and what Amazon says in total."""
        billed, total, stated = (
            Money.sum((row["total"] for row in rows), invoice.currency),
            invoice.total,
            invoice.supplier_total,
        )
        if total.amount == billed.amount == stated.amount and stated.currency == invoice.currency:
            return
        sums = f"lines, charges and taxes {total}, Amazon's lines {billed}, Amazon's total {stated}"
        problems = [f"The sums differ: {sums}. Nothing was sent."]
        if stated.currency == invoice.currency and stated.amount != billed.amount:
            problems.append(
                f"Amazon's total and its lines are {abs(stated - billed)} apart: a line is missing, or the amount is only authorised "
                "so far. Read the days of its charges again once Amazon has settled it; if nothing changes, ask Amazon."
            )
        raise RecordError(label, problems)


CustomNames = Sequence[tuple[str, str]]


def _custom_names(fields: Sequence[tuple[str, object]]) -> CustomNames:
    """(target, Coupa's name) of the custom fields."""
    return [(target, target.removeprefix(CUSTOM)) for target, _ in fields if target.startswith(CUSTOM)]


def _custom(values: Mapping[str, Any], names: CustomNames) -> dict[str, str]:
    return {name: value for target, name in names if (value := values.get(target)) is not None}


def _line(number: int, row: Mapping[str, Any], billed: Billed, custom: CustomNames) -> InvoiceLine:
    values = {name: row[name] for name in LINE_FIELDS if name in row}
    if billed.allocations:  # coded by its split
        values["account"] = None
    return InvoiceLine(
        number=number, quantity=billed.quantity, unit_price=billed.unit_price, total=billed.total,
        adjustment_type=billed.adjustment_type, tax_lines=billed.tax_lines, custom_fields=_custom(row, custom),
        allocations=billed.allocations, **values,
    )  # fmt: skip


def _restated(line: InvoiceLine, unit: str, conversions: Conversions) -> InvoiceLine:
    """Billed in `unit`, written in the unit of the PO line, of which Coupa counts what is billed; in its own where no
    conversion is known, or none that keeps the total: that is the match's to tell."""
    factor = conversions.factor(unit, line.unit_of_measure, item=line.part_number)
    if factor is not None:
        quantity = factor.units(line.quantity, COUPA_STEP)
        price = six_decimals(line.unit_price * factor.by / factor.times)
        if quantity and (Money(price, line.total.currency) * quantity).rounded() == line.total:
            return replace(line, quantity=quantity, unit_price=price)
    return replace(line, unit_of_measure=unit)


def _unknown_tax(number: int, parts: Components, rate_of_it: Decimal | None) -> str:
    rate = f"{rate_of_it} %" if rate_of_it is not None else "an unstated rate"
    exemption = f", exemption {parts.tax_exemption}" if parts.tax_exemption else ""
    return (
        f"Line {number}: taxes.yml has no code for {parts.marketplace or 'an unknown country'} at {rate}{exemption} "
        f"(tax {parts.tax or 'none'}); add a rule, then replay."
    )


def _notes(billed: Sequence[Billed]) -> list[Note]:
    return [
        Note(
            kind="use_tax", line=number,
            sentence=f"Line {number}: Amazon charged no tax and shows no exemption; use tax may be due on {line.untaxed}.",
        )
        for number, line in enumerate(billed, 1)
        if line.treatment.kind == "use_tax_due" and line.untaxed.amount > 0
    ]  # fmt: skip


class _Conflict(Exception):
    """Lines that must agree do not."""

    def __init__(self, target: str, values: Sequence[object], source: tuple[str, ...]) -> None:
        self.first, self.source = values[0], source
        listed = ", ".join(str(value) for value in values)
        super().__init__(
            f"The lines name several values for {target.replace('_', ' ')}: {listed}. An invoice is never split."
        )


HeaderField = Callable[[Context, Sequence[Context]], Any]


def _header_field(target: str, rules: Sequence[FieldRule], tables: Tables) -> HeaderField:
    """A header value from the header, or one that all lines share."""
    field = compile_target(target, rules, tables)
    source = next((rule.from_lines for rule in rules if rule.from_lines), None)
    if source is None:
        return lambda header, lines: field(header)

    def shared(header: Context, lines: Sequence[Context]) -> Any:
        values = [field(context) for context in lines]
        if values.count(values[0]) != len(values) if values else False:
            raise _Conflict(target, list(dict.fromkeys(values)), source)
        return values[0] if values else None

    return shared


Agreement = Callable[[Context], str | None]


def _agreements(side: HeaderRules | LineRules) -> list[Agreement]:
    return [
        _agreement(target, compile_read(rule.from_ or rule.from_lines), rule.must_equal)
        for target, rules in targets(side)
        for rule in rules
        if rule.must_equal
    ]


def _agreement(target: str, read: Read, others: Sequence[str]) -> Agreement:
    """Held against the first filled of the other places."""
    readers = [(other, compile_read([other])) for other in others]

    def check(context: Context) -> str | None:
        mine = read(context)
        filled = ((other, value) for other, read_other in readers if (value := read_other(context)) is not None)
        other, theirs = next(filled, ("", mine))
        if mine is None or str(mine).strip() == str(theirs).strip():
            return None
        return f"{target.removeprefix(CUSTOM)} is {str(mine)[:60]!r}, but {other} is {str(theirs)[:60]!r}."

    return check


__all__ = ["Choices", "CompiledMapping"]
