"""The original invoice of each credit note, and how far it has got.

A credit note goes to Coupa only after its original is there: created in the same plan or by an earlier run, or keyed
by a clerk. Until then it waits, for `original_wait_days`; after that a person decides, and at once where the original
stands for nothing in Coupa.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from procurement.ledger.types import Known
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.candidates import Verdict, overdue
from procurement.pipelines.amazon_invoices_to_coupa.drafts import Draft, business_key
from procurement.pipelines.amazon_invoices_to_coupa.existing import Existing, described
from procurement.pipelines.amazon_invoices_to_coupa.identity import Original
from procurement.pipelines.amazon_invoices_to_coupa.pairing import NEVER_SEEN, Named, Unknown
from procurement.policies import Mode, Rules

NO_CREDIT = (
    "Credits apply to open and paid invoices: enter it there again and replay this, or discard this with the reason."
)


@dataclass(frozen=True, slots=True)
class KnownOriginal:
    """`after` is the business key of a delivery the credit note must follow; None when the original is in Coupa."""

    number: str
    moment: datetime
    after: str | None = None


class Originals:
    """Originals of a batch's credit notes, by the number of the credit note."""

    def __init__(self, named: Named) -> None:
        self._named, self._over = named.originals, named.over

    def number_of(self, draft: Draft) -> str | None:
        original = self._named.get(draft.identity.number)
        return original.number if isinstance(original, Original) else None

    def beyond_charge(self, draft: Draft) -> Money | None:
        """What a credit note takes back that was never charged; None where it stays within."""
        over = self._over.get(draft.identity.number)
        return Money.of(over, draft.total.currency) if over else None

    def of(self, number: str) -> Original | Unknown:
        return self._named.get(number, NEVER_SEEN)

    def find(
        self,
        draft: Draft,
        original: Original | Unknown,
        *,
        instance: str,
        known: Mapping[str, Known],
        planned: AbstractSet[tuple[Mode, str]],
        existing: Existing,
        rules: Rules,
        now: datetime,
    ) -> KnownOriginal | Verdict:
        """How far `original` has got, or why the credit note waits, is held or skipped. `planned`: keys planned before it in the same plan."""
        if isinstance(original, Unknown):
            return (
                Verdict("held", original.reason)
                if original.final
                else overdue(draft.group, original.reason, rules.policies, now)
            )
        if (draft.supplier, original.number) in existing.standing:
            return KnownOriginal(original.number, original.moment)
        key = business_key(instance, draft.supplier, original.number)
        delivery = known.get(key)
        if (draft.rollout.mode, key) in planned or (delivery and delivery.state in ("planned", "sending")):
            return KnownOriginal(original.number, original.moment, after=key)
        dead = existing.gone.get((draft.supplier, original.number))
        if dead is not None or (delivery and delivery.state == "delivered"):
            place = f"in Coupa as {described(dead)}" if dead else "not in Coupa any more"
            return Verdict("held", f"Its original invoice {original.number} is {place}. {NO_CREDIT}")
        go_live = draft.rollout.go_live
        if go_live and original.moment.date() < go_live:
            return Verdict("skipped", f"refund of invoice {original.number}, which is before go-live")
        reason = f"original invoice {original.number} is not in Coupa yet"
        return overdue(draft.group, reason, rules.policies, now)


def in_order(drafts: Sequence[Draft], originals: Originals) -> list[Draft]:
    """Invoices, then the credit notes that take them back, then what may be billed again: invoices on an order line that is
    credited, other than the originals themselves."""
    notes = [draft for draft in drafts if draft.group.is_credit_note]
    credited = {(key.order_id, key.order_line_id) for note in notes for key in note.group.line_keys}
    taken_back = {originals.number_of(note) for note in notes}

    def rank(draft: Draft) -> int:
        if draft.group.is_credit_note or draft.identity.number in taken_back:
            return int(draft.group.is_credit_note)
        return 2 if any((key.order_id, key.order_line_id) in credited for key in draft.group.line_keys) else 0

    return sorted(drafts, key=rank) if notes else list(drafts)


def numbers_to_look_up(drafts: Iterable[Draft], originals: Originals) -> dict[str, set[str]]:
    """Invoice numbers by supplier that Coupa is asked for before anything is created: ours, and the originals named."""
    wanted: dict[str, set[str]] = {}
    for draft in drafts:
        numbers = wanted.setdefault(draft.supplier, set())
        numbers.add(draft.identity.number)
        if (original := originals.number_of(draft)) is not None:
            numbers.add(original)
    return wanted
