"""What becomes of each line of an order: how many units are accepted, at which charges, and why others are not.

Pure: the offers, the fate and the moment come in, a `Verdict` goes out. A buyer's expectation is the most that may be
charged; a lower price breaks nothing. Accepted and rejected units always add up to what was asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.amazon.amounts import number_money, rounded
from sandbox.amazon.offers import Offer
from sandbox.amazon.order_request import LineRequest, OrderRequest
from sandbox.seed import Fate, Json

REMOVE_ITEM, REJECT_ORDER = "remove_item", "reject_order"
TAX_RATES = {
    "US": Decimal("0.0825"), "CA": Decimal("0.13"), "UK": Decimal("0.20"), "DE": Decimal("0.19"), "FR": Decimal("0.20"),
    "IT": Decimal("0.22"), "ES": Decimal("0.21"), "JP": Decimal("0.10"), "AU": Decimal("0.10"), "MX": Decimal("0.16"),
    "IN": Decimal("0.18"),
}  # fmt: skip
PROMISE = (timedelta(hours=48), timedelta(hours=72))  # after placing, where an offer promises nothing
WHOLE_ORDER = "The order was rejected as a whole, because another part of it broke an expectation."
FindOffer = Callable[[str, str | None], Offer | str]


@dataclass(frozen=True, slots=True)
class Charges:
    """Of the accepted units of one line, each part rounded."""

    subtotal: Decimal = Decimal(0)
    subtotal_tax: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    shipping_tax: Decimal = Decimal(0)

    def by_source(self) -> dict[str, Decimal]:
        return {"SUBTOTAL": self.subtotal, "SHIPPING": self.shipping, "TAX": self.subtotal_tax + self.shipping_tax}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one line. `broken`: one of the buyer's expectations was, which may cost the whole order."""

    line: LineRequest
    offer: Offer | None = None
    accepted: int = 0
    charges: Charges = Charges()
    delivery: tuple[datetime, datetime] | None = None
    reasons: list[Json] = field(default_factory=list)
    broken: bool = False

    @property
    def rejected(self) -> int:
        return self.line.quantity - self.accepted

    def reject(self, *reasons: Json, broken: bool = False) -> "Verdict":
        """Nothing of it is accepted."""
        return replace(
            self, accepted=0, charges=Charges(), reasons=[*self.reasons, *reasons], broken=broken or self.broken
        )


def judge(
    request: OrderRequest, find_offer: FindOffer, *, fate: Fate, now: datetime, safeguard: str
) -> tuple[list[Verdict], list[Json]]:
    """Every line's verdict, and the reasons that are about the whole order. `find_offer` gives a sentence for no offer."""
    verdicts = [_judge_line(request, line, find_offer, fate=fate, now=now) for line in request.lines]
    reasons = _broken_charges(request.charges, _sums(verdicts), request.currency)
    if not reasons and safeguard == REJECT_ORDER and any(one.broken for one in verdicts):
        reasons = [_message("A line broke an expectation, and the group's safeguards reject the whole order then.")]
    if reasons:
        verdicts = [one.reject(_message(WHOLE_ORDER)) if one.accepted else one for one in verdicts]
    return verdicts, reasons


def _judge_line(
    request: OrderRequest, line: LineRequest, find_offer: FindOffer, *, fate: Fate, now: datetime
) -> Verdict:
    verdict = Verdict(line)
    if line.external_id in fate.refused:
        return verdict.reject(*fate.refused[line.external_id])
    offer = find_offer(line.asin, line.offer_id)
    if isinstance(offer, str):
        return verdict.reject(_message(offer))
    limited = _outside_limits(offer, line.quantity)
    if limited:
        return verdict.reject(*limited)
    missing = min(line.quantity, fate.short.get(line.external_id, 0))
    verdict = replace(verdict, offer=offer, accepted=line.quantity - missing)
    if missing:
        word = "None" if not verdict.accepted else f"Only {verdict.accepted}"
        reason = _message(f"{word} of the {line.quantity} units asked for can be delivered.")
        verdict = replace(
            verdict, reasons=[{"rejectionArtifactType": "UnavailableQuantity", "quantity": missing}, reason]
        )
    return _held_against_expectations(request, verdict, offer, now) if verdict.accepted else verdict


def _held_against_expectations(request: OrderRequest, verdict: Verdict, offer: Offer, now: datetime) -> Verdict:
    line, currency = verdict.line, request.currency
    if line.unit_price is not None and offer.price > line.unit_price:
        broken: Json = {
            "rejectionArtifactType": "BrokenUnitPriceExpectation",
            "boundary": number_money(line.unit_price, currency),
            "actualAmount": number_money(offer.price, currency),
        }
        return verdict.reject(broken, _message("The unit price is above the expected one."), broken=True)
    rate = TAX_RATES[request.region]
    subtotal = rounded(offer.price * verdict.accepted, currency)
    shipping = rounded(offer.shipping(subtotal), currency)
    charges = Charges(subtotal, rounded(subtotal * rate, currency), shipping, rounded(shipping * rate, currency))
    reasons = _broken_charges(line.charges, charges.by_source(), currency)
    if reasons:
        return verdict.reject(*reasons, broken=True)
    delivery = offer.delivery(subtotal) or (now + PROMISE[0], now + PROMISE[1])
    return replace(verdict, charges=charges, delivery=delivery)


def _outside_limits(offer: Offer, quantity: int) -> list[Json]:
    least, most = offer.limits
    if quantity < least:
        return [_message(f"This offer is sold from {least} units on.")]
    if most is not None and quantity > most:
        available = {"rejectionArtifactType": "AvailableQuantity", "quantity": most}
        return [available, _message(f"This offer is limited to {most} units.")]
    return []


def _broken_charges(expected: Mapping[str, Decimal], actual: Mapping[str, Decimal], currency: str) -> list[Json]:
    return [
        {
            "rejectionArtifactType": "BrokenChargeExpectation",
            "boundary": number_money(boundary, currency),
            "actualAmount": number_money(actual[source], currency),
            "sources": [source],
        }
        for source, boundary in expected.items()
        if actual[source] > boundary
    ]


def _sums(verdicts: Sequence[Verdict]) -> dict[str, Decimal]:
    sums = dict.fromkeys(Charges().by_source(), Decimal(0))
    for verdict in verdicts:
        for source, amount in verdict.charges.by_source().items():
            sums[source] += amount
    return sums


def _message(text: str) -> Json:
    return {"rejectionArtifactType": "RejectionMessage", "message": text}
