"""Why Amazon refuses units, in plain words: one phrase for each reason, with what was allowed and what it is.

`KINDS` sorts Amazon's reasons into what policies.yml decides on; what is not among them is `other`.
"""

from collections.abc import Callable, Iterable, Mapping

from connectors.amazon_business.order_results import Artifact
from procurement.buying_policies import RejectionKind
from procurement.money import Money

LONGEST_MESSAGE = 200  # characters of Amazon's own words in a sentence
SHIPPING = "SHIPPING"
KINDS: Mapping[str, RejectionKind] = {
    "BrokenUnitPriceExpectation": "price", "UnavailableQuantity": "quantity", "AvailableQuantity": "quantity",
    "DeliveryTimeRangeIncongruity": "delivery", "AgeRestriction": "age",
}  # fmt: skip


def kind_of(artifacts: Iterable[Artifact]) -> RejectionKind:
    """The first reason that is more than words."""
    for artifact in artifacts:
        if artifact.type == "BrokenChargeExpectation" and SHIPPING in _sources(artifact):
            return "shipping"
        if artifact.type in KINDS:
            return KINDS[artifact.type]
    return "other"


def phrases(artifacts: Iterable[Artifact]) -> list[str]:
    """What each reason says, without full stops; reasons that say nothing are left out."""
    return [phrase for artifact in artifacts if (phrase := _PHRASES.get(artifact.type, _unknown)(artifact))]


def _message(artifact: Artifact) -> str:
    text = " ".join((artifact.text("message") or "").split()).rstrip(".")
    return f"Amazon says: {text[:LONGEST_MESSAGE]}" if text else ""


def _code(artifact: Artifact) -> str:
    code = artifact.text("code")
    return f"Amazon's code is {code[:LONGEST_MESSAGE]}" if code else ""


def _price(artifact: Artifact) -> str:
    return f"a unit costs {_amount(artifact, 'actualAmount')}, and at most {_amount(artifact, 'boundary')} is allowed"


def _charge(artifact: Artifact) -> str:
    what = " and ".join(source.lower() for source in _sources(artifact)) or "a charge"
    return f"{what} costs {_amount(artifact, 'actualAmount')}, and at most {_amount(artifact, 'boundary')} is allowed"


def _unavailable(artifact: Artifact) -> str:
    return f"{_units(artifact)} not available"


def _available(artifact: Artifact) -> str:
    return f"only {_units(artifact)} available"


def _late(artifact: Artifact) -> str:
    arrives, latest = _day(artifact, "actualDateTime"), _day(artifact, "upperBoundary")
    return f"it would arrive on {arrives}, and the latest that is allowed is {latest}"


def _age(artifact: Artifact) -> str:
    return f"it is sold only to people of {artifact.text('minimumAge') or 'an age that Amazon does not say'} or older"


def _unknown(artifact: Artifact) -> str:
    return f"Amazon's reason is {artifact.type}" if artifact.type else ""


_PHRASES: Mapping[str, Callable[[Artifact], str]] = {
    "RejectionMessage": _message, "RejectionCode": _code, "BrokenUnitPriceExpectation": _price,
    "BrokenChargeExpectation": _charge, "UnavailableQuantity": _unavailable, "AvailableQuantity": _available,
    "DeliveryTimeRangeIncongruity": _late, "AgeRestriction": _age,
}  # fmt: skip


def _amount(artifact: Artifact, name: str) -> str:
    price = artifact.price(name)
    return str(Money(price.amount, price.currency)) if price is not None else "an amount that Amazon does not say"


def _units(artifact: Artifact) -> str:
    units = artifact.units()
    return "an unknown number is" if units is None else f"{units} {'is' if units == 1 else 'are'}"


def _day(artifact: Artifact, name: str) -> str:
    moment = artifact.moment(name)
    return moment.date().isoformat() if moment is not None else "a day that Amazon does not say"


def _sources(artifact: Artifact) -> list[str]:
    sources = artifact.raw.get("sources")
    return [str(source) for source in sources] if isinstance(sources, list) else []
