"""A purchase and what surrounds it, as the tests of the compliance rules write them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from procurement.compliance.contracts import (
    Agreements,
    Contract,
    ContractPrice,
)
from procurement.compliance.judging import judge
from procurement.compliance.purchases import Purchase, PurchaseLine
from procurement.compliance.recognition import recogniser
from procurement.compliance.rules import ComplianceFile
from procurement.compliance.surroundings import Bought, PoFacts, Surroundings
from procurement.sellers.identity import Party, Place

AT = datetime(2026, 2, 2, 9, tzinfo=UTC)
TODAY = date(2026, 2, 3)
D = Decimal


def file(
    *rules: dict[str, Any], waivers: list[dict[str, Any]] | None = None, preferred: tuple[str, ...] = ()
) -> ComplianceFile:
    example = {"name": "none", "lines": [{"price": 1}], "expect": []}
    return ComplianceFile.model_validate({
        "people": {"digest": ["a@example.com"], "queue": "q@example.com"}, "rules": list(rules), "waivers": waivers or [],
        "preferred_sellers": list(preferred), "examples": [example],
    })  # fmt: skip


def line(price: str = "10.00", quantity: int = 1, id: str = "1", **more: Any) -> PurchaseLine:
    given = {
        "asin": "B01",
        "seller": Party("Pen Traders LLC", Place(country="US")),
        "commodity": "Office",
        "unspsc": "44121704",
    } | more
    return PurchaseLine(id=id, quantity=D(quantity), unit_price=D(price), amount=D(price) * quantity, **given)


def purchase(*lines: PurchaseLine, **more: Any) -> Purchase:
    given = {
        "key": "O-9",
        "ordered_at": AT,
        "currency": "USD",
        "buyer": "jane@example.com",
        "cost_center": "4100",
        "po_number": "PO-9",
    } | more
    return Purchase(lines=lines or (line(),), **given)


def other(order: str, amount: str, *, days: float = 1, **more: Any) -> Bought:
    given = {
        "order": order, "ordered_at": AT - timedelta(days=days), "buyer": "jane@example.com", "cost_center": "4100",
        "seller": "pen traders", "commodity": "Office", "asin": "B01", "quantity": D(1), "currency": "USD",
    } | more  # fmt: skip
    return Bought(amount=D(amount), **given)


def around(**more: Any) -> Surroundings:
    given = {"po": PoFacts("PO-9", AT - timedelta(hours=1))} | more
    agreements = given.get("agreements", Agreements())
    return Surroundings(
        recognise=recogniser(agreements, file({"name": "x", "kind": "no_po"}, preferred=("Amazon.com",)), AT.date()),
        **given,
    )


def found(rule: dict[str, Any], one: Purchase, at: Surroundings) -> list[Any]:
    return judge(one, at, file({"name": "r", **rule}), today=TODAY)


def agreed(price: str = "10.00", **more: Any) -> Agreements:
    contract = Contract(
        number="C", supplier="", supplier_name="Pen Traders", currency="USD", most=more.pop("most", None)
    )
    one = ContractPrice(contract="C", supplier="", asin="B01", price=D(price), currency="USD", **more)
    return Agreements((contract,), {"B01": (one,)})


def offers(*prices: ContractPrice) -> Agreements:
    contracts = [Contract(number=one.contract, supplier="", supplier_name="", currency="USD") for one in prices]
    return Agreements(tuple(contracts), {"B01": prices})


def price(contract: str, base: str, **more: Any) -> ContractPrice:
    return ContractPrice(contract=contract, supplier="", asin="B01", price=D(base), currency="USD", **more)
