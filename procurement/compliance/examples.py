"""The examples of compliance.yml: a purchase and its surroundings as the file writes them, judged by the file's rules."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from procurement.compliance.contracts import BY_ORDER, Agreements, Contract, ContractPrice, Tier
from procurement.compliance.judging import judge
from procurement.compliance.purchases import Credential, Purchase, PurchaseLine
from procurement.compliance.recognition import recogniser
from procurement.compliance.rules import ComplianceExample, ComplianceFile, ExampleLine
from procurement.compliance.surroundings import Bought, PoFacts, Surroundings
from procurement.money import minor_unit, round_to
from procurement.sellers.identity import Party, Place
from procurement.sellers.names import normalised

ORDERED = datetime(2026, 2, 2, 9, tzinfo=UTC)
NUMBER = "C-EXAMPLE"


def found_by(example: ComplianceExample, file: ComplianceFile) -> list[str]:
    """The names of the rules that find the example, each once, in the file's order."""
    found = {one.rule for one in judge(_purchase(example), _surroundings(example, file), file, today=ORDERED.date())}
    return [rule.name for rule in file.rules if rule.name in found]


def _purchase(example: ComplianceExample) -> Purchase:
    lines = tuple(_line(str(n), line, example.currency) for n, line in enumerate(example.lines, 1))
    return Purchase(
        key="this order", ordered_at=ORDERED, currency=example.currency, lines=lines, buyer=example.buyer,
        po_number=None if example.po == "none" else "PO-1", cost_center=example.cost_center, country=example.country,
    )  # fmt: skip


def _amount(line: ExampleLine, currency: str) -> Decimal:
    return round_to(line.price * line.quantity, minor_unit(currency))


def _line(id: str, line: ExampleLine, currency: str) -> PurchaseLine:
    return PurchaseLine(
        id=id, asin=line.asin, quantity=line.quantity, unit_price=line.price, amount=_amount(line, currency), unspsc=line.unspsc,
        commodity=line.commodity, seller=Party(line.seller, Place(country=line.seller_country)),
        credentials=tuple(Credential(name, day) for name, day in line.certifications.items()),
    )  # fmt: skip


def _surroundings(example: ComplianceExample, file: ComplianceFile) -> Surroundings:
    prices = {
        one.asin: (ContractPrice(
            contract=NUMBER, supplier="", asin=one.asin, price=one.price, currency=example.currency, term=BY_ORDER,
            tiers=tuple(Tier(upper, price) for upper, price in one.tiers), units=one.units,
        ),)
        for one in example.contracts
    }  # fmt: skip
    contract = Contract(number=NUMBER, supplier="", supplier_name="", currency=example.currency)
    agreements = Agreements((contract,) if prices else (), prices)
    created = {"none": None, "before": ORDERED - timedelta(hours=2), "after": ORDERED + timedelta(days=2)}[example.po]
    return Surroundings(
        agreements=agreements, recognise=recogniser(agreements, file, ORDERED.date()), others=[
            Bought(
                order=f"earlier order {n}", ordered_at=ORDERED - timedelta(days=1), buyer=example.buyer,
                cost_center=example.cost_center, seller=normalised(line.seller), commodity=line.commodity, asin=line.asin,
                quantity=line.quantity, amount=_amount(line, example.currency), currency=example.currency,
            )
            for n, line in enumerate(example.earlier, 1)
        ],
        po=PoFacts("PO-1", created) if created is not None else None,
        units={(NUMBER, one.asin): one.bought_before for one in example.contracts},
    )  # fmt: skip


def rules_not_shown(file: ComplianceFile) -> list[str]:
    """Names of the rules that no example of the file expects."""
    shown = {name for example in file.examples for name in example.expect}
    return [rule.name for rule in file.rules if rule.name not in shown]
