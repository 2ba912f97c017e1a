"""Articles on requisitions that wait for approval: read every hour, told to the approver whose turn it is.

One record an article: today's offers and the lines that wait for them. A comment is one delivery, under requisition, line
and price, so that a price is told once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from connectors.amazon_business.client import AmazonBusiness
from connectors.amazon_business.products import Offer, read_product
from connectors.coupa.client import Coupa
from connectors.payload_types import read_exact
from connectors.tally import Tally
from procurement.catalog.requisitions import OfferedPrice, WaitingLine, sentence, todays_price, told_move
from procurement.catalog.rules import CatalogFile
from procurement.ledger.types import Plan, PlannedDelivery, PlannedRecord, Record, Staged
from procurement.pipelines.amazon_catalog_to_coupa.amazon_side import is_new
from procurement.pipelines.amazon_catalog_to_coupa.coupa_side import ASIN
from procurement.pipelines.amazon_catalog_to_coupa.names import TELL, WAITING, told_key
from procurement.pipelines.proposals import Proposal
from procurement.policies import Mode

Json = Mapping[str, Any]
BLOCKED = "BLOCKED"  # a word of buyingGuidance
ON_REQUISITION = "requisition/"  # before the ASIN: one article has a price in the catalog and one on requisitions
NOT_SOLD = "Amazon does not sell it any more"
NO_OFFER = "Amazon has no offer in the requisition's currency"
AS_REQUESTED = "the price is as requested"
PENDING = "pending_approval"


def read_waiting(
    amazon: AmazonBusiness, coupa: Coupa, *, supplier: str, tally: Tally, unanswered: list[str]
) -> Iterator[list[Staged]]:
    """Every article of the supplier that stands on a waiting requisition, with today's offers. `unanswered` takes up those
    for which Amazon has no answer this time."""
    lines: dict[str, list[WaitingLine]] = {}
    for page in coupa.waiting_requisitions():
        for raw in page:
            for asin, line in waiting_lines(raw, supplier):
                lines.setdefault(asin, []).append(line)
    for found in amazon.catalog_pages(lines, tally=tally, kind=WAITING, prefix=ON_REQUISITION):
        unanswered += found.unanswered
        yield [
            *(_staged(str(raw["asin"]), offered(read_product(raw).offers), lines, sold=True) for raw in found.products),
            *(_staged(asin, (), lines, sold=False) for asin in found.missing),
        ]


def waiting_lines(raw: Json, supplier: str) -> Iterator[tuple[str, WaitingLine]]:
    """The requisition's lines with an ASIN and a price."""
    approver = (raw.get("current-approval") or {}).get("approver") or {}
    is_user = (raw.get("current-approval") or {}).get("approver-type") in (None, "User")
    for line in raw.get("requisition-lines") or ():
        asin, price = str(line.get("source-part-num") or "").strip(), line.get("unit-price")
        number = (line.get("supplier") or {}).get("number")
        if number != supplier or price in (None, "") or not ASIN.fullmatch(asin):
            continue
        yield asin, WaitingLine(
            requisition=int(raw["id"]), line=int(line["line-num"]), title=str(line.get("description") or asin),
            quantity=read_exact(line.get("quantity") or 1), price=read_exact(price),
            currency=str((line.get("currency") or {}).get("code")), offer=line.get("supp-aux-part-num"),
            approver=int(approver["id"]) if is_user and approver.get("id") is not None else None,
        )  # fmt: skip


def offered(offers: Iterable[Offer]) -> tuple[OfferedPrice, ...]:
    return tuple(
        OfferedPrice(
            one.offer_id,
            one.price,
            one.currency,
            one.buying_guidance,
            eligible=one.buying_guidance != BLOCKED and is_new(one),
        )
        for one in offers
        if one.price is not None and one.currency is not None
    )


def _staged(
    asin: str, offers: Sequence[OfferedPrice], lines: Mapping[str, Sequence[WaitingLine]], *, sold: bool
) -> Staged:
    ordered = sorted(lines[asin], key=lambda line: (line.requisition, line.line))
    raw = {
        "asin": asin, "sold": sold,
        "offers": [_plain(asdict(one)) for one in sorted(offers, key=lambda one: one.offer)],
        "lines": [_plain(asdict(line)) for line in ordered],
    }  # fmt: skip
    return Staged(key=f"{ON_REQUISITION}{asin}", raw=raw)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: format(one, "f") if isinstance(one, Decimal) else one for name, one in values.items()}


def propose(
    records: Sequence[Record], *, rules: CatalogFile, version: str, mode: Mode, account: str, dry_run: bool
) -> Proposal:
    """A comment for each line whose price moved beyond the limit; nothing for the others, and why."""
    proposal = Proposal(kept_as="state")
    plan = proposal.shadow if mode is Mode.SHADOW and not dry_run else proposal.live
    for record in records:
        _plan(plan, record, rules, version, account)
    return proposal


def _plan(plan: Plan, record: Record, rules: CatalogFile, version: str, account: str) -> None:
    reasons: list[str] = []
    for line in (read_line(one) for one in record.raw["lines"]):
        told = _told(record.raw, line, rules)
        if isinstance(told, str):
            reasons.append(told)
            continue
        price, text = told
        key = told_key(line.requisition, line.line, price)
        marker = f"[price {key}]"
        mention = f"@[User:{line.approver}] " if line.approver is not None else ""
        payload = {
            "document": "requisitions", "id": line.requisition, "text": f"{mention}{text} {marker}", "marker": marker,
            "asin": record.raw["asin"], "line": _plain(asdict(line)),
        }  # fmt: skip
        delivery = PlannedDelivery(
            action=TELL,
            business_key=key,
            payload=payload,
            mapping_version=version,
            policy_version=version,
            scope=account,
        )
        plan.deliveries.append(delivery)
        plan.records.append(
            PlannedRecord(
                record_id=record.id, state="planned", part=f"told {key}", bills=delivery.name, hash=record.hash
            )
        )
    if reasons and not any(one.record_id == record.id for one in plan.records):
        plan.records.append(
            PlannedRecord(record_id=record.id, state="skipped", reason=reasons[0], part="state", hash=record.hash)
        )


def _told(raw: Json, line: WaitingLine, rules: CatalogFile) -> tuple[Decimal, str] | str:
    """(price, what is said), or why nothing is."""
    if not raw["sold"]:
        return NOT_SOLD
    offers = [
        OfferedPrice(one["offer"], Decimal(one["price"]), one["currency"], one["guidance"], one["eligible"])
        for one in raw["offers"]
    ]
    today = todays_price(line, offers, rules.offers.accept)
    if today is None:
        return NO_OFFER
    move = told_move(line, today, over_percent=rules.requisitions.tell_over_percent)
    if move is None:
        return AS_REQUESTED
    return today.price, sentence(str(raw["asin"]), line, move)


def no_longer(payload: Json, requisition: Json, supplier: str) -> str:
    """Why what was planned to be told is not true any more of the requisition as Coupa shows it; empty: it is."""
    if requisition.get("status") != PENDING:
        return f"requisition {payload['id']} does not wait for approval any more: it is {requisition.get('status')}"
    lines = [line for asin, line in waiting_lines(requisition, supplier) if asin == payload["asin"]]
    if "line" in payload and read_line(payload["line"]) not in lines:
        return f"requisition {payload['id']} was changed since: it is looked at again by the next run"
    return ""


def read_line(raw: Json) -> WaitingLine:
    return WaitingLine(**{**raw, "quantity": Decimal(raw["quantity"]), "price": Decimal(raw["price"])})
