"""What an order is judged by as to prices and sellers, frozen with its lines when it is first judged. Pure.

Contracts are amended, end, and are set inactive; Coupa shows only what holds now, and our own catalog sync moves prices. An
order is held against what held when it was placed: whatever the contracts say later accuses and acquits nobody. What the
company itself decides later (`preferred_sellers`, tolerances, waivers) does count.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from procurement.compliance.contracts import Agreements, Contract, ContractPrice, Tier
from procurement.compliance.purchases import Purchase, PurchaseLine
from procurement.sellers.identity import Party, Recognition, Verdict
from procurement.sellers.names import normalised

Json = dict[str, Any]
Recognise = Callable[[Party], Recognition]


@dataclass(frozen=True, slots=True)
class Terms:
    """The contracts' prices, and which sellers are contracted or preferred."""

    agreements: Agreements
    recognise: Recognise

    def freeze(self, purchase: Purchase, line: PurchaseLine) -> Json:
        """Of one line, as the ledger keeps it: every price of its article on that day, and whether its seller was listed."""
        prices = [_written(one, self.agreements) for one in self.agreements.of(line.asin) if one.valid_on(purchase.day)]
        listed = line.seller is not None and self.recognise(line.seller).verdict is Verdict.SAME
        return {"seller": normalised(line.seller.name) if line.seller else "", "listed": listed, "prices": prices}


@dataclass(frozen=True, slots=True)
class Frozen:
    """The terms that are kept of an order's lines, by ASIN and by seller. An article or seller that came later has none."""

    articles: Mapping[str, Json]
    sellers: Mapping[str, bool]

    @classmethod
    def of(cls, lines: Iterable[tuple[str, Json]]) -> Self:
        """Lines as ASIN and what `freeze` wrote."""
        rows = list(lines)
        return cls(dict(rows), {row["seller"]: row["listed"] for _, row in rows if row["seller"]})

    def unknown(self, purchase: Purchase) -> set[str]:
        """The articles whose terms have to be asked for."""
        return {line.asin for line in purchase.lines if line.asin} - self.articles.keys()

    def thaw(self, now: Terms, preferred: Recognise) -> Terms:
        """With the terms of `now` for what has none of its own. `preferred` knows the company's own list alone."""
        prices = {asin: tuple(_price(asin, row) for row in kept["prices"]) for asin, kept in self.articles.items()}
        contracts = {row["contract"]: _contract(row) for kept in self.articles.values() for row in kept["prices"]}
        others = (one for one in now.agreements.contracts if one.number not in contracts)
        return Terms(
            Agreements((*contracts.values(), *others), {**(now.agreements.prices or {}), **prices}),
            lambda seller: self._recognise(seller, now, preferred),
        )

    def _recognise(self, seller: Party, now: Terms, preferred: Recognise) -> Recognition:
        listed = self.sellers.get(normalised(seller.name))
        if listed:
            return Recognition(Verdict.SAME, seller, "it was contracted or preferred when this was ordered")
        return (now.recognise if listed is None else preferred)(seller)


def _written(price: ContractPrice, agreements: Agreements) -> Json:
    """Without what is empty; a contract's money limit goes with each of its prices."""
    contract = agreements.contract(price.contract)
    row = {
        "contract": price.contract, "supplier": price.supplier, "price": str(price.price), "currency": price.currency,
        "term": price.term, "tiers": [[_text(tier.upper), str(tier.price)] for tier in price.tiers], "units": _text(price.units),
        "most": _text(contract.most) if contract else None, "most_in": contract.currency if contract and contract.most else None,
    }  # fmt: skip
    return {name: value for name, value in row.items() if value}


def _price(asin: str, row: Json) -> ContractPrice:
    """It was valid on the day, and bounds nothing else."""
    return ContractPrice(
        contract=row["contract"], supplier=row.get("supplier", ""), asin=asin, price=Decimal(row["price"]), currency=row["currency"],
        term=row.get("term"), tiers=tuple(Tier(_number(upper), Decimal(price)) for upper, price in row.get("tiers", ())),
        units=_number(row.get("units")),
    )  # fmt: skip


def _contract(row: Json) -> Contract:
    return Contract(
        number=row["contract"], supplier=row.get("supplier", ""), supplier_name="", currency=row.get("most_in", ""),
        most=_number(row.get("most")),
    )  # fmt: skip


def _text(number: Decimal | None) -> str | None:
    return str(number) if number is not None else None


def _number(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None
