"""Each line of an order held against what Amazon sells now: unit, offer, ceiling."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from procurement.buying_policies import Ordering
from procurement.errors import RecordError
from procurement.mapping.order_mapping import MappedLine, MappedOrder
from procurement.order_gate import Verdict
from procurement.ordering import (
    NotOrderable,
    Offer,
    Product,
    WantedLine,
    ceiling,
    choose_offer,
    unit_problem,
    whole_units,
)
from procurement.pipelines.coupa_requisitions_to_amazon_orders.candidates import Candidate, Json, wanted_lines
from procurement.pipelines.coupa_requisitions_to_amazon_orders.payloads import ReadyLine
from procurement.policies import Rules

UNFIT = "a line cannot be ordered as it stands"


@dataclass(frozen=True, slots=True)
class Drafted:
    """A candidate with its order mapped: `units` and `lines` by PO line number."""

    candidate: Candidate
    mapped: MappedOrder
    buyer_email: str
    lines: Mapping[str, tuple[WantedLine, MappedLine]]
    units: Mapping[str, int]

    def offer_ids(self, cart_id_prefixes: tuple[str, ...]) -> list[str]:
        """Carts are not asked for: they name no offer."""
        named = [wanted.offer_id for wanted, _ in self.lines.values() if wanted.offer_id]
        return [offer_id for offer_id in named if not offer_id.startswith(cart_id_prefixes)]

    @property
    def asins(self) -> list[str]:
        return [mapped.asin for _, mapped in self.lines.values()]


def draft(candidate: Candidate, rules: Rules, *, account_name: str, region: str) -> Drafted | Verdict:
    """The order before Amazon is asked about its lines: everything that is missing or in conflict holds it, all at once."""
    wanted, problems = wanted_lines(candidate)
    context: Json = {
        "po": candidate.raw,
        "requisition": candidate.requisition,
        "account": rules.accounts.context(account_name),
    }
    if problems:
        return Verdict("held", UNFIT, tuple(problems))
    try:
        mapped = rules.orders.order(context, [{**context, **line} for line in _line_contexts(candidate)])
    except RecordError as error:
        return Verdict("held", "a field that Amazon needs cannot be filled", error.problems)
    buyer = buyer_of(mapped, candidate.ordering)
    if buyer is None:
        sentence = (
            f"requester {mapped.requester_email or 'without a mail address'} is not in the buying group at Amazon"
        )
        return Verdict("held", "the requester is not in the buying group", (f"{sentence[0].upper()}{sentence[1:]}.",))
    if (conflict := region_conflict(mapped, region)) is not None:
        return Verdict("held", "it is not for one region alone", (conflict,))
    lines = {line.number: (_completed(line, one), one) for line, one in zip(wanted.values(), mapped.lines, strict=True)}
    counted = {number: whole_units(line) for number, (line, _) in lines.items()}
    if refused := [units.sentence for units in counted.values() if isinstance(units, NotOrderable)]:
        return Verdict("held", UNFIT, tuple(refused))
    units = {number: count for number, count in counted.items() if isinstance(count, int)}
    return Drafted(candidate, mapped, buyer, lines, units)


def _line_contexts(candidate: Candidate) -> list[Json]:
    approved = {str(line.get("order-line-id")): line for line in candidate.requisition.get("requisition-lines") or ()}
    return [
        {"po_line": line, "requisition_line": approved.get(str(line.get("id"))) or {}} for line in candidate.raw_lines
    ]


def buyer_of(mapped: MappedOrder, ordering: Ordering) -> str | None:
    """Who orders: the requester where policy and Amazon's group allow, else the mapped buyer, or nobody."""
    if ordering.requesters_from == "buyer":
        return mapped.buyer_email
    if ordering.knows(mapped.requester_email):
        return mapped.requester_email
    return mapped.buyer_email if ordering.others == "buyer" else None


def region_conflict(mapped: MappedOrder, region: str) -> str | None:
    """One order goes to one marketplace: the sentence where the lines, the PO and the connection do not agree on it."""
    named = sorted({line.region for line in mapped.lines if line.region} | {mapped.region})
    if len(named) > 1:
        return f"Its lines are for several regions: {', '.join(named)}."
    if region and mapped.region != region:
        return f"It is for region {mapped.region}, and this connection orders in {region}."
    return None


def _completed(line: WantedLine, mapped: MappedLine) -> WantedLine:
    return replace(
        line,
        asin=mapped.asin,
        offer_id=mapped.offer_id,
        seller=mapped.seller,
        pack_size=mapped.pack_size,
        region=mapped.region,
    )


def ready_lines(
    drafted: Drafted,
    remaining: Mapping[str, int],
    *,
    offers: Mapping[str, Offer],
    products: Mapping[str, Product],
    rules: Rules,
) -> dict[str, ReadyLine] | Verdict:
    """The lines that still have units to order, each with its offer; held with every line that cannot be ordered."""
    ready: dict[str, ReadyLine] = {}
    problems: list[str] = []
    words = {word.lower(): code for word, code in rules.lookups["units"].values.items()}
    policies = rules.policies.orders
    for number, units in remaining.items():
        wanted, mapped = drafted.lines[number]
        product = products.get(mapped.asin)
        if product is None or not product.buyable:
            problems.append(f"Line {number}: Amazon does not sell {mapped.asin} any more.")
            continue
        if (sentence := unit_problem(wanted, product, policies, words)) is not None:
            problems.append(sentence)
            continue
        most = ceiling(wanted.price, policies, safeguard=drafted.candidate.ordering.price_safeguard)
        chosen = choose_offer(wanted, units, known=offers, product=product, most=most, policies=policies)
        if isinstance(chosen, NotOrderable):
            problems.append(chosen.sentence)
        else:
            ready[number] = ReadyLine(wanted=wanted, mapped=mapped, offer_id=chosen.offer_id, most=most)
    return Verdict("held", UNFIT, tuple(problems)) if problems else ready
