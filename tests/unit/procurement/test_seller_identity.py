"""Whether two spellings are one seller: both ways for each piece of evidence, and at both thresholds."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from procurement.sellers.identity import (
    Decisions,
    KnownParties,
    Party,
    Place,
    Thresholds,
    Verdict,
    compare,
)

RENO = Place(street="9 Sample St", city="Reno", region="NV", postal_code="89501", country="US")
BOISE = Place(street="77 Mill Rd", city="Boise", region="ID", postal_code="83702", country="US")
LEEDS = Place(street="9 Sample St", city="Leeds", postal_code="LS1 4DY", country="GB")


def verdict(one: Party, other: Party) -> Verdict:
    return compare(one, other).verdict


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Party("Pen Traders LLC", RENO), Party("PEN TRADERS, L.L.C.", RENO), "same"),
        (Party("Pen Traders LLC"), Party("pen traders llc", RENO), "same"),  # a legal name, no address: nothing against it
        (Party("Pen Traders", RENO), Party("Pen Traders LLC", RENO), "same"),
        (Party("PenTraders", RENO), Party("Pen Traders", RENO), "same"),
        (Party("Pen Traders"), Party("Pen Traders LLC"), "unsure"),  # which of several Pen Traders?
        (Party("Pen Traders LLC", RENO), Party("Pen Traders LLC", BOISE), "unsure"),  # moved, or another
        (Party("Pen Traders LLC", RENO), Party("Pen Traders Inc", RENO), "unsure"),
        (Party("Pen Traders Ltd", RENO), Party("Pen Traders Ltd", LEEDS), "unsure"),
        (Party("Pen Traders 1", RENO), Party("Pen Traders 2", RENO), "unsure"),
        (Party("Pen Traders LLC", RENO), Party("Pen Tradesr LLC", RENO), "same"),  # a slip of the keys at one address
        (Party("Pen Traders LLC"), Party("Pen Tradesr LLC"), "unsure"),
        (Party("Shenzhen ABC Trading Co., Ltd.", RENO), Party("Shenzhen ABD Trading Co., Ltd.", RENO), "unsure"),
        (Party("Acme Inc. DBA Pen Traders", RENO), Party("Pen Traders", RENO), "same"),
        (Party("Desk World LLC", RENO), Party("Pen Traders LLC", RENO), "different"),  # neighbours at an agent's address
        (Party("Pen World", RENO), Party("Desk World", BOISE), "different"),
        (Party("", RENO), Party("", RENO), "different"),  # no name proves nothing
    ],
)  # fmt: skip
def test_evidence(one: Party, other: Party, expected: str) -> None:
    assert verdict(one, other) == expected, compare(one, other).sentence
    assert verdict(other, one) == expected


def test_a_registration_number_settles_it_alone() -> None:
    pens = Party("Pen Shop", registration="T1234567890123")
    assert verdict(pens, Party("文房具", registration="Ｔ1234567890123")) == "same"
    assert verdict(pens, Party("Pen Shop", registration="T9999999999999")) == "different"
    assert verdict(pens, Party("Pen Shop K.K.")) == "unsure"  # only one of the two states a number


def test_a_nine_digit_postal_code_is_the_place_of_its_first_five() -> None:
    exact, long = Party("Pens", RENO), Party("Pens", Place(postal_code="89501-1234", country="US"))
    assert "the same postal code" in compare(exact, long).sentence


def test_what_people_decided_stands_above_all_evidence() -> None:
    decisions = Decisions.of(
        same=[("Pen Traders LLC", "PT Supplies")], different=[("Pen Traders LLC", "Pen Traders, L.L.C. ")]
    )
    one = Party("PEN TRADERS LLC", RENO)
    assert compare(one, Party("PT Supplies", LEEDS), decisions=decisions).verdict == "same"
    found = compare(
        one,
        Party("Pen Traders L.L.C.", RENO),
        decisions=Decisions.of(different=[("Pen Traders LLC", "pen traders LLC")]),
    )
    assert found.verdict == "different" and "a person decided" in found.sentence
    known = KnownParties([Party("PT Supplies", LEEDS, key="7")], decisions=decisions)
    assert known.recognise(one).party == Party("PT Supplies", LEEDS, key="7")


def test_the_thresholds_are_exact() -> None:
    one, other = Party("Pen Traders", RENO), Party("Pen Traders", BOISE)  # 80 - 10 - 5 - 10
    assert compare(one, other).score == 55
    assert compare(one, other, thresholds=Thresholds(same=55, different=40)).verdict == "same"
    assert compare(one, other, thresholds=Thresholds(same=56, different=55)).verdict == "unsure"
    assert compare(one, other, thresholds=Thresholds(same=85, different=56)).verdict == "different"
    with pytest.raises(ValidationError, match="different"):
        Thresholds(same=50, different=51)


def test_one_known_party_is_recognised_two_alike_are_a_question() -> None:
    reno, boise = Party("Pen Traders LLC", RENO, key="1"), Party("Pen Traders LLC", BOISE, key="2")
    known = KnownParties([reno, boise, Party("Desk World", BOISE, key="3")])
    assert known.recognise(Party("pen traders, llc", RENO)).party == reno
    bare = known.recognise(Party("Pen Traders LLC"))
    assert (bare.verdict, bare.party, bare.others) == ("unsure", reno, (boise,))
    assert bare.sentence.startswith("2 known parties are the same by this evidence")
    stranger = known.recognise(Party("Quite Another", RENO))
    assert stranger.verdict == "different"
    assert KnownParties([]).recognise(reno).verdict == "different"


def test_the_right_one_of_many_of_the_same_name_is_found() -> None:
    many = [
        Party(
            "Pens LLC", Place(street=f"{n} Elm St", city=f"City {n}", postal_code=f"{n:05}", country="US"), key=str(n)
        )
        for n in range(100, 140)
    ]
    assert KnownParties(many).recognise(Party("Pens, LLC", many[33].place)).party == many[33]


NAMES = st.text(string.ascii_letters + string.digits + " .,&'éüßガ株", max_size=30)
PLACES = st.builds(Place, street=NAMES, city=NAMES, postal_code=NAMES, country=st.sampled_from(["", "US", "GB"]))
PARTIES = st.builds(Party, NAMES, PLACES)


@given(PARTIES, PARTIES)
def test_comparing_is_symmetric(one: Party, other: Party) -> None:
    there, back = compare(one, other), compare(other, one)
    assert (there.verdict, there.score) == (back.verdict, back.score)


@given(st.lists(PARTIES, max_size=6), PARTIES)
def test_whatever_is_the_same_by_evidence_is_never_called_different(known: list[Party], seller: Party) -> None:
    found = KnownParties(known).recognise(seller)
    if any(compare(seller, party).verdict is not Verdict.DIFFERENT for party in known):
        assert found.verdict is not Verdict.DIFFERENT
    else:
        assert found.verdict is Verdict.DIFFERENT
