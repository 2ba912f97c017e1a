"""Amazon's transactions, the ledger and Coupa's documents held against each other, one document at a time. Pure.

Each comparison gives the differences it finds, none where all sides agree. A difference has one kind and one sentence;
what is wrong with a document in several ways is told once, by the gravest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from procurement.money import Money, to_decimal
from procurement.reconciliation_rules import ReconciliationExample, ReconciliationFile
from procurement.reconciling_fields import changed_fields, lines_of, order_lines

Json = Mapping[str, Any]
MOST_CHANGES = 5  # changed fields named in one sentence
PENDING = "pending"  # Amazon's word for a number that is still to come


class Kind(StrEnum):
    MISSING_IN_COUPA = "missing_in_coupa"
    MISSING_AT_AMAZON = "missing_at_amazon"
    AMOUNT_DIFFERS = "amount_differs"
    NUMBER_DIFFERS = "number_differs"
    DOUBLED = "doubled"
    STATE_DIFFERS = "state_differs"
    CHANGED_BY_HAND = "changed_by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One row of the report. Amounts are in `currency`; what a side does not know is None."""

    kind: Kind
    sentence: str
    invoice_number: str | None = None
    transaction: str | None = None
    po_numbers: tuple[str, ...] = ()
    currency: str | None = None
    amazon: Decimal | None = None
    ledger: Decimal | None = None
    coupa: Decimal | None = None
    ledger_state: str | None = None
    coupa_status: str | None = None
    coupa_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A transaction as Amazon shows it now."""

    key: str
    kind: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    number: str | None = None
    dated_at: datetime | None = None
    po_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The same transaction in the ledger. `allocated` is what its parts add up to; None: not planned yet. `billed_as`: Amazon's
    number of the document that carries it; None where no document does."""

    key: str
    state: str
    reason: str = ""
    amount: Decimal | None = None
    currency: str | None = None
    allocated: Decimal | None = None
    number: str | None = None
    billed_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An invoice or credit note of ours in the ledger. `amazon` is the sum of its transactions, `read_back` Coupa's total
    when it was created, `target_id` Coupa's id; `submit_state` is None where nothing was to be submitted."""

    supplier: str
    number: str
    state: str
    amazon: Decimal
    currency: str
    payload: Json = field(default_factory=dict)
    reason: str | None = None
    read_back: Decimal | None = None
    target_id: str | None = None
    submit_state: str | None = None

    @property
    def order_lines(self) -> frozenset[str]:
        return order_lines(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """The transactions of one invoice number that no delivery bills, with the state and reason of the first."""

    number: str
    state: str
    reason: str
    amazon: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InCoupa:
    """An invoice or credit note as Coupa shows it now."""

    id: str
    number: str
    supplier: str
    status: str
    total: Decimal | None
    currency: str | None
    date: date | None
    channel: str
    raw: Json

    @property
    def money(self) -> str:
        return told(self.total, self.currency)

    @property
    def po_numbers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(line["po-number"]) for line in lines_of(self.raw) if line.get("po-number")))

    @property
    def order_lines(self) -> frozenset[str]:
        return order_lines(self.raw)


def read_in_coupa(raw: Json) -> InCoupa:
    """Coupa's JSON. What is missing stays None: the comparison says so."""
    total = next((raw[name] for name in ("total-with-taxes", "gross-total") if raw.get(name) not in (None, "")), None)
    day = str(raw.get("invoice-date") or "")[:10]
    return InCoupa(
        id=str(raw["id"]), number=str(raw.get("invoice-number") or ""), status=str(raw.get("status") or ""),
        supplier=str((raw.get("supplier") or {}).get("number") or ""), channel=str(raw.get("channel") or ""),
        total=to_decimal(str(total)) if total is not None else None, currency=(raw.get("currency") or {}).get("code"),
        date=date.fromisoformat(day) if day else None, raw=raw,
    )  # fmt: skip


def compare_transaction(seen: Seen, standing: Standing | None) -> Difference | None:
    """A transaction of Amazon's feed against the ledger."""
    amount = told(seen.amount, seen.currency)
    unread = Difference(
        kind=Kind.MISSING_IN_COUPA, invoice_number=seen.number, transaction=seen.key, po_numbers=seen.po_numbers,
        sentence=f"Amazon's {(seen.kind or 'transaction').lower()} of {amount} was never read: nothing of it is in Coupa.",
        currency=seen.currency, amazon=seen.amount,
    )  # fmt: skip
    if standing is None:
        return unread
    differs = replace(unread, kind=Kind.AMOUNT_DIFFERS, ledger=standing.amount, ledger_state=standing.state)
    if (seen.amount, seen.currency) != (standing.amount, standing.currency):
        known = told(standing.amount, standing.currency)
        return replace(differs, sentence=f"Amazon says {amount}, the ledger read {known}.")
    if standing.allocated is not None and standing.allocated != standing.amount:
        part = told(standing.allocated, standing.currency)
        return replace(differs, sentence=f"Of Amazon's {amount} the ledger accounts for {part}.")
    if is_number(seen.number) and standing.billed_as not in (None, seen.number):
        sentence = f"Amazon's {amount} is on {seen.number}, the ledger has it on {standing.billed_as}."
        return replace(differs, kind=Kind.NUMBER_DIFFERS, sentence=sentence)
    return None


def is_number(text: str | None) -> bool:
    """Whether Amazon has issued the number."""
    return text is not None and text.lower() != PENDING


def vanished(standing: Standing) -> Difference:
    """A transaction that the ledger read and Amazon does not show any more."""
    amount = told(standing.amount, standing.currency)
    return Difference(
        kind=Kind.MISSING_AT_AMAZON, invoice_number=standing.number, transaction=standing.key,
        sentence=f"The ledger read a transaction of {amount} that Amazon's feed does not show any more.",
        currency=standing.currency, ledger=standing.amount, ledger_state=standing.state,
    )  # fmt: skip


def compare_sent(sent: Sent, found: Sequence[InCoupa], rules: ReconciliationFile) -> Difference | None:
    """One of our documents against what Coupa has under its number, and under the id it was given."""
    stands = [one for one in found if one.status not in rules.statuses.gone]
    if sent.state != "delivered":
        return _not_created(sent, stands)
    ours = next((one for one in found if one.id == sent.target_id), None)
    if len(stands) > 1:
        both = " and ".join(f"{one.id} ({one.money}, {one.status})" for one in stands)
        return _of(Kind.DOUBLED, sent, stands[-1], f"Coupa has {sent.number} more than once: {both}.")
    if ours is None:
        instead = f"; {stands[0].id} of the same number is not ours" if stands else ""
        money = told(sent.amazon, sent.currency)
        sentence = f"Our invoice {sent.target_id} over {money} is not in Coupa any more{instead}."
        return _of(Kind.MISSING_IN_COUPA, sent, None, sentence)
    if ours.status in rules.statuses.gone:
        instead = f"; {stands[0].id} of the same number stands ({stands[0].money})" if stands else ""
        sentence = f"The ledger has it delivered, in Coupa it is {ours.status}{instead}."
        return _of(Kind.STATE_DIFFERS, sent, ours, sentence)
    return _money(sent, ours, rules) or _content(sent, ours, rules) or _submitted(sent, ours, rules)


def _not_created(sent: Sent, stands: Sequence[InCoupa]) -> Difference | None:
    """In flight or waiting nothing can be said yet; what was given up and is in Coupa all the same is a difference."""
    if not stands or sent.state not in ("held", "dead", "skipped"):
        return None
    sentence = f"The ledger has it {sent.state} ({sent.reason or 'no reason'}), Coupa has it as {stands[0].id}, {stands[0].status}."
    return _of(Kind.STATE_DIFFERS, sent, stands[0], sentence)


def _money(sent: Sent, ours: InCoupa, rules: ReconciliationFile) -> Difference | None:
    if ours.currency == sent.currency and ours.total is not None and abs(ours.total - sent.amazon) <= rules.tolerance:
        return None
    by_hand = sent.read_back is not None and sent.read_back != ours.total
    then = f" It was {told(sent.read_back, sent.currency)} when it was created." if by_hand else ""
    sentence = f"Amazon billed {told(sent.amazon, sent.currency)}, Coupa has {ours.money}.{then}"
    return _of(Kind.CHANGED_BY_HAND if by_hand else Kind.AMOUNT_DIFFERS, sent, ours, sentence)


def _content(sent: Sent, ours: InCoupa, rules: ReconciliationFile) -> Difference | None:
    changes = changed_fields(sent.payload, ours.raw, rules)
    if not changes:
        return None
    more = f" And {len(changes) - MOST_CHANGES} more." if len(changes) > MOST_CHANGES else ""
    return _of(Kind.CHANGED_BY_HAND, sent, ours, f"Changed in Coupa: {'; '.join(changes[:MOST_CHANGES])}.{more}")


def _submitted(sent: Sent, ours: InCoupa, rules: ReconciliationFile) -> Difference | None:
    draft = ours.status in rules.statuses.unsubmitted
    if sent.submit_state == "delivered" and draft:
        sentence = f"The ledger has it submitted, in Coupa it is {ours.status}."
    elif sent.submit_state in ("held", "dead", "skipped") and not draft:
        sentence = f"The ledger never submitted it ({sent.submit_state}), in Coupa it is {ours.status}."
    else:
        return None
    return _of(Kind.STATE_DIFFERS, sent, ours, sentence)


def _of(kind: Kind, sent: Sent, found: InCoupa | None, sentence: str) -> Difference:
    return Difference(
        kind=kind, sentence=sentence, invoice_number=sent.number, currency=sent.currency, amazon=sent.amazon,
        ledger=sent.amazon, ledger_state=sent.state,
        po_numbers=found.po_numbers if found else (), coupa=found.total if found else None,
        coupa_status=found.status if found else None, coupa_id=found.id if found else sent.target_id,
    )  # fmt: skip


IN_COUPA, ELSEWHERE = "already in Coupa", ("before go-live", "discarded: ")  # how the ledger's reasons begin
NOT_YET = ("settling", "not planned yet")


def compare_unsent(unsent: Unsent, found: Sequence[InCoupa], rules: ReconciliationFile) -> Difference | None:
    """A number that we did not send, against what people or another channel put into Coupa."""
    stands = [one for one in found if one.status not in rules.statuses.gone]
    if unsent.reason.startswith((*ELSEWHERE, *NOT_YET)):
        return None
    one = stands[0] if stands else None
    if unsent.reason.startswith(IN_COUPA):
        return _already_there(unsent, stands, rules)
    if one is None:
        return None
    sentence = f"The ledger has it {unsent.state} ({unsent.reason}), Coupa has it as {one.id}, {one.status}."
    return _of_unsent(Kind.STATE_DIFFERS, unsent, one, sentence)


def _already_there(unsent: Unsent, stands: Sequence[InCoupa], rules: ReconciliationFile) -> Difference | None:
    money = told(unsent.amazon, unsent.currency)
    if not stands:
        sentence = f"{money} was left out because Coupa had the invoice; it has it no more."
        return _of_unsent(Kind.MISSING_IN_COUPA, unsent, None, sentence)
    one = stands[0]
    if len(stands) > 1:
        ids = " and ".join(found.id for found in stands)
        return _of_unsent(Kind.DOUBLED, unsent, stands[-1], f"Coupa has {unsent.number} more than once: {ids}.")
    equal = one.total is not None and unsent.amazon is not None and one.currency == unsent.currency
    if not equal or abs((one.total or Decimal(0)) - (unsent.amazon or Decimal(0))) > rules.tolerance:
        sentence = f"Amazon billed {money}, Coupa has {one.money} ({one.channel or 'another channel'})."
        return _of_unsent(Kind.AMOUNT_DIFFERS, unsent, one, sentence)
    return None


def _of_unsent(kind: Kind, unsent: Unsent, found: InCoupa | None, sentence: str) -> Difference:
    return Difference(
        kind=kind, sentence=sentence, invoice_number=unsent.number, currency=unsent.currency, amazon=unsent.amazon,
        ledger=unsent.amazon, ledger_state=unsent.state, po_numbers=found.po_numbers if found else (),
        coupa=found.total if found else None, coupa_status=found.status if found else None,
        coupa_id=found.id if found else None,
    )  # fmt: skip


def compare_unread(unread: Difference, found: Sequence[InCoupa], rules: ReconciliationFile) -> Difference:
    """A transaction that the ledger never read, whose invoice somebody put into Coupa all the same."""
    one = next((one for one in found if one.status not in rules.statuses.gone), None)
    if one is None:
        return unread
    sentence = f"Amazon's {told(unread.amazon, unread.currency)} was never read, Coupa has the invoice as {one.id}, {one.status}."
    return Difference(
        kind=Kind.STATE_DIFFERS, sentence=sentence, invoice_number=unread.invoice_number, transaction=unread.transaction,
        po_numbers=unread.po_numbers, currency=unread.currency, amazon=unread.amazon, coupa=one.total,
        coupa_status=one.status, coupa_id=one.id,
    )  # fmt: skip


def compare_stranger(found: InCoupa, likely: Sequence[Sent], rules: ReconciliationFile) -> Difference | None:
    """A document in Coupa whose number neither Amazon nor the ledger knows; `likely` are documents it may be a double of."""
    if found.status in rules.statuses.gone:
        return None
    twin = next((sent for sent in likely if is_twin(found, sent, rules)), None)
    if twin is None:
        kind = Kind.MISSING_AT_AMAZON
        sentence = f"Coupa has {found.money} ({found.channel or 'unknown channel'}) that Amazon never billed."
    else:
        kind = Kind.DOUBLED
        sentence = f"It is {twin.number} once more, which Coupa has as {twin.target_id} over {told(twin.amazon, twin.currency)}."
    return Difference(
        kind=kind, sentence=sentence, invoice_number=found.number, currency=found.currency, coupa=found.total,
        po_numbers=found.po_numbers, coupa_status=found.status, coupa_id=found.id,
        amazon=twin.amazon if twin else None, ledger=twin.amazon if twin else None,
        ledger_state=twin.state if twin else None,
    )  # fmt: skip


def is_twin(found: InCoupa, sent: Sent, rules: ReconciliationFile) -> bool:
    """The same number differently written, or the same money on the same PO lines within some days."""
    if found.supplier != sent.supplier or found.id == sent.target_id:
        return False
    if bare(found.number) == bare(sent.number):
        return True
    day = str(sent.payload.get("invoice-date") or "")[:10]
    near = (
        not day or found.date is None or abs((found.date - date.fromisoformat(day)).days) <= rules.doubled_within_days
    )
    same_money = (found.total, found.currency) == (sent.amazon, sent.currency)
    return near and same_money and bool(found.order_lines) and found.order_lines == sent.order_lines


def bare(number: str) -> str:
    """Letters and digits alone, in capitals, without leading zeros: how a typed number may differ."""
    return "".join(letter for letter in number.upper() if letter.isalnum()).lstrip("0")


def compare_example(example: ReconciliationExample, rules: ReconciliationFile) -> str | None:
    """The kind of difference that an example of reconciliation.yml gives."""
    sent = Sent(
        supplier="S", number="N", state="delivered", amazon=example.amazon, currency="USD", target_id="1",
        read_back=example.amazon if example.read_back is None else example.read_back,
        submit_state="delivered" if example.submitted else "held",
    )  # fmt: skip
    raw = {"id": 1, "status": example.status, "total-with-taxes": example.coupa, "currency": {"code": "USD"}}
    difference = compare_sent(sent, [] if example.coupa is None else [read_in_coupa(raw)], rules)
    return difference.kind.value if difference else None


def told(amount: Decimal | None, currency: str | None) -> str:
    return str(Money(amount, currency)) if amount is not None and currency else "an unknown amount"
