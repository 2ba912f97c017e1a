"""Which spellings are one seller, and under which name it would stand in Coupa."""

from pathlib import Path

import pytest

from procurement.policies import read_rules
from procurement.sellers.facts import SellerFacts
from procurement.sellers.identity import Place
from procurement.sellers.onboarding import group
from procurement.sellers.rules import SuppliersFile

RULES = read_rules(Path(__file__).parents[3] / "mappings").suppliers
PENS = "Pen Traders LLC"
LEAD = f"{PENS} | Reno"


def behind_one_seller(*merchants: str) -> list[SellerFacts]:
    """A seller on order lines, and the merchants that the charges of these lines name."""
    lines = {name: f"A-{n}/1" for n, name in enumerate(merchants, 1)}
    seller = SellerFacts(key=LEAD, name=PENS, place=Place(city="Reno", country="US"), linked=lines)
    return [seller, *(SellerFacts(key=name, name=name, linked={LEAD: line}) for name, line in lines.items())]


def test_of_several_merchants_the_one_spelled_most_like_the_seller_gives_the_name() -> None:
    (seller,) = group(behind_one_seller("Pen Traders Inc", PENS, "Pen Traders Ltd"), RULES)
    assert (seller.legal_name, seller.question) == (PENS, None)


@pytest.mark.parametrize("decided", [False, True])
def test_two_merchants_of_quite_different_names_are_a_question_until_a_person_decides(decided: bool) -> None:
    same = [["Laser Scientific GmbH", PENS]] if decided else []
    rules = SuppliersFile.model_validate({**RULES.model_dump(), "same": same})
    (seller,) = group(behind_one_seller("Laser Scientific GmbH", PENS), rules)
    if decided:
        assert seller.question is None
    else:
        assert seller.question is not None
        assert "two merchants" in seller.question and "A-1/1" in seller.question and "A-2/1" in seller.question


def test_a_merchant_told_apart_from_its_seller_is_a_seller_of_its_own() -> None:
    rules = SuppliersFile.model_validate({**RULES.model_dump(), "different": [[PENS, "Laser Scientific GmbH"]]})
    sellers = group(behind_one_seller("Laser Scientific GmbH", PENS), rules)
    assert [(one.lead.name, one.question) for one in sellers] == [(PENS, None), ("Laser Scientific GmbH", None)]
