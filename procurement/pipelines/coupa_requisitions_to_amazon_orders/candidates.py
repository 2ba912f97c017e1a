"""The first look at a purchase order: is it one to order, for which account, and did somebody approve it?

Takes no decision on lines or prices. What comes out is a candidate, or the verdict with its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from procurement.buying_policies import Ordering
from procurement.documents import CLOSED_TO_RECEIPTS
from procurement.errors import MoneyError
from procurement.ledger.types import Record
from procurement.money import MINOR_UNITS, Money, minor_unit, round_to, to_decimal
from procurement.order_gate import Judged, Verdict, awaits_approval, judge, standing
from procurement.ordering import LONGEST_PO_NUMBER, Earlier, WantedLine
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import PIPELINE
from procurement.pipelines.coupa_requisitions_to_amazon_orders.staging import issued_at
from procurement.pipelines.proposals import SHADOW
from procurement.policies import Mode, Rules
from procurement.policy_files import CAREFULNESS, Account, RolloutRule
from procurement.purchase_orders import AMOUNT_LINE

Json = dict[str, Any]
SWITCHED_OFF = Verdict("waiting", "switched off in rollout.yml")


@dataclass(slots=True, kw_only=True)
class Candidate:
    """A PO that may be ordered, as Coupa shows it now. `earlier`: its orders so far; `again`: some of them were sent."""

    record: Record
    raw: Json
    issued_at: datetime
    account: Account
    ordering: Ordering
    rollout: RolloutRule
    requisition: Json = field(default_factory=dict)
    earlier: Sequence[Earlier] = ()
    again: bool = False

    @property
    def number(self) -> str:
        return self.record.key

    @property
    def requisition_id(self) -> int:
        return int(self.raw["requisition-header"]["id"])

    @property
    def currency(self) -> str:
        return str((self.raw.get("currency") or {}).get("code") or "")

    @property
    def raw_lines(self) -> list[Json]:
        return list(self.raw.get("order-lines") or ())


def first_look(
    record: Record, raw: Json | None, *, account_name: str, rules: Rules, rehearsal: bool
) -> Candidate | Verdict:
    """What the PO itself and the policies say, before anything else is read."""
    if raw is None:
        return Verdict("skipped", "Coupa does not show the purchase order any more")
    supplier = str((raw.get("supplier") or {}).get("number") or "")
    account = rules.accounts.of(account_name)
    if account is None or account.ordering is None or account.supplier != supplier:
        return _of_another(supplier, account_name, rules)
    moment = issued_at(raw)
    if moment is None:
        return Verdict("held", "Coupa does not show when it made the purchase order")
    rollout = rollout_of(raw, account_name, supplier, rules, rehearsal=rehearsal)
    if rollout.go_live is not None and moment.date() < rollout.go_live:
        return Verdict("skipped", "before go-live")
    found = Candidate(
        record=record, raw=raw, issued_at=moment, account=account, ordering=account.ordering, rollout=rollout
    )
    return _own_verdict(found) or found


def _own_verdict(candidate: Candidate) -> Verdict | None:
    if (verdict := standing(candidate.raw)) is not None:
        return verdict
    if candidate.rollout.mode is Mode.OFF:
        return SWITCHED_OFF
    if (length := len(candidate.number)) > LONGEST_PO_NUMBER:
        return Verdict("held", f"the PO number has {length} characters, and Amazon takes {LONGEST_PO_NUMBER}")
    if (candidate.raw.get("requisition-header") or {}).get("id") is None:
        return Verdict("held", "the purchase order has no requisition: nobody approved it")
    return None


def _of_another(supplier: str, account_name: str, rules: Rules) -> Verdict:
    for name, account in rules.accounts.accounts.items():
        if account.ordering is not None and account.supplier == supplier:
            return Verdict(
                "waiting", f"its orders go to Amazon account {name}, and this run is connected to {account_name}"
            )
    return Verdict("skipped", f"no Amazon account orders for supplier {supplier or 'without a number'}")


def still_switched_on(raw: Mapping[str, Any], *, account_name: str, rules: Rules) -> Verdict | None:
    """Whether the rule files, as they are now, still let the planned PO go to this account; what shadow planned is never sent."""
    supplier = str((raw.get("supplier") or {}).get("number") or "")
    account = rules.accounts.of(account_name)
    if account is None or account.ordering is None or account.supplier != supplier:
        return _of_another(supplier, account_name, rules)
    rollout = rollout_of(raw, account_name, supplier, rules)
    if rollout.mode is Mode.OFF:
        return SWITCHED_OFF
    if rollout.mode is Mode.SHADOW:
        return Verdict("skipped", SHADOW)
    moment = issued_at(raw)
    if rollout.go_live is not None and (moment is None or moment.date() < rollout.go_live):
        return Verdict("skipped", "before go-live")
    return None


def rollout_of(
    raw: Mapping[str, Any], account: str, supplier: str, rules: Rules, *, rehearsal: bool = False
) -> RolloutRule:
    """The most careful of the rules that hold for the PO's cost centers, its supplier and the account."""
    centers = {center for line in raw.get("order-lines") or () for center in cost_centers(line)} or {None}
    found = [rules.rollout.of(PIPELINE, account=account, supplier=supplier, cost_center=center) for center in centers]
    rule = min(found, key=lambda one: CAREFULNESS.index(one.mode))
    return rule.model_copy(update={"mode": Mode.LIVE}) if rehearsal else rule


def cost_centers(line: Mapping[str, Any]) -> set[str | None]:
    """Segment 2 of the line's accounts."""
    coded = [line.get("account"), *(share.get("account") for share in line.get("account-allocations") or ())]
    return {str(one["segment-2"]) for one in coded if isinstance(one, Mapping) and one.get("segment-2")}


def second_look(candidate: Candidate, requisition: Json | None, rules: Rules) -> Verdict | None:
    """What the requisition says: the gate's own judgement, so that nobody waits for it to hear what is known already."""
    if requisition is None:
        return Verdict("held", "Coupa does not show the requisition of the purchase order")
    candidate.requisition = requisition
    if (sentence := awaits_approval(requisition)) is not None:
        return Verdict("waiting", sentence)
    return judge(
        Judged.of(candidate.raw), candidate.raw, requisition, rules.policies.orders,
        mark_as_sent=candidate.ordering.mark_as_sent,
    )  # fmt: skip


def wanted_lines(candidate: Candidate) -> tuple[dict[str, WantedLine], list[str]]:
    """The PO's lines by number as they are to be ordered, offers and sellers still to be mapped; and what is wrong with them."""
    lines: dict[str, WantedLine] = {}
    problems: list[str] = []
    if candidate.currency not in MINOR_UNITS:
        return {}, [f"The purchase order is in {candidate.currency or 'no currency'}, which cannot be ordered."]
    for raw in candidate.raw_lines:
        number = str(raw.get("line-num") or "").strip()
        line = _wanted(raw, number, candidate.currency, problems)
        if number in lines:
            problems.append(f"Two lines have the number {number}.")
        elif line is not None:
            lines[number] = line
    if not lines and not problems:
        problems.append("The purchase order has no lines.")
    return lines, problems


def _wanted(raw: Json, number: str, currency: str, problems: list[str]) -> WantedLine | None:
    label = f"Line {number or '(no number)'}"
    own = (raw.get("currency") or {}).get("code")
    if own and own != currency:
        problems.append(f"{label} is in {own}, the purchase order in {currency}.")
    if str(raw.get("status") or "") in CLOSED_TO_RECEIPTS:
        problems.append(f"{label} is {raw['status']} in Coupa.")
    if not number:
        problems.append("A line has no number.")
    amount = raw.get("type") == AMOUNT_LINE
    try:
        price = to_decimal(str(raw.get("price")))
        quantity = None if amount or raw.get("quantity") in (None, "") else to_decimal(str(raw["quantity"]))
    except MoneyError as error:
        problems.append(f"{label}: {error}.")
        return None
    return WantedLine(
        number=number, line_id=int(raw["id"]), asin=None, offer_id=None, quantity=quantity, price=Money(_plain(price, currency), currency),
        unit=(raw.get("uom") or {}).get("code"),
    )  # fmt: skip


def _plain(price: Decimal, currency: str) -> Decimal:
    """Coupa writes six places; the currency's own are enough where the others are zero."""
    rounded = round_to(price, minor_unit(currency))
    return rounded if rounded == price else price.normalize()
