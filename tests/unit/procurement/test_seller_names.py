"""What of a company's name is compared."""

import pytest

from procurement.sellers.names import names_of, normalised, words_of


@pytest.mark.parametrize(
    ("spelled", "core", "form"),
    [
        ("Pen Traders LLC", "pen traders", "llc"),
        ("PEN TRADERS, L.L.C.", "pen traders", "llc"),
        ("Pén-Traders  limited liability company", "pen traders", "llc"),
        ("Pen Traders", "pen traders", None),
        ("Smith & Co.", "smith", "co"),
        ("Smith and Sons Ltd", "smith and sons", "ltd"),
        ("Pens Pty Ltd", "pens", "ltd"),
        ("Müller & Söhne GmbH & Co. KG", "muller and sohne", "gmbh co kg"),
        ("STRAẞE Stifte UG (haftungsbeschränkt)", "strasse stifte", "ug"),
        ("Société des Stylos S.A.R.L.", "societe des stylos", "sarl"),
        ("Pióro Sp. z o.o.", "pioro", "sp z oo"),
        ("Smørrebrød ApS", "smorrebrod", "aps"),
        ("Shenzhen ABC Trading Co., Ltd.", "shenzhen abc trading", "ltd"),
        ("深圳市笔有限公司", "深圳市笔", "ltd"),
        ("株式会社ペンショップ", "ペンショップ", "kk"),
        ("ペンショップ（株）", "ペンショップ", "kk"),
        ("㈱ペンショップ", "ペンショップ", "kk"),
        ("ﾍﾟﾝｼｮｯﾌﾟ", "ペンショップ", None),
        ("Ｐｅｎ　Ｓｈｏｐ", "pen shop", None),
        ("Joe's Pens", "joes pens", None),
        ("Company", "company", None),
        ("", "", None),
    ],
)
def test_a_name_is_compared_without_case_width_accents_punctuation_and_legal_form(
    spelled: str, core: str, form: str | None
) -> None:
    (name,) = names_of(spelled)
    assert (name.core, name.legal_form) == (core, form)
    assert normalised(spelled) == core


def test_voicing_marks_of_kana_are_letters() -> None:
    assert normalised("ガス") != normalised("カス")


@pytest.mark.parametrize(
    "spelled", ["Acme Inc. DBA Pen Traders", "Acme, Inc d/b/a PEN TRADERS", "Acme Inc t/a Pen Traders"]
)
def test_a_trading_name_is_a_second_name(spelled: str) -> None:
    assert [name.core for name in names_of(spelled)] == ["acme", "pen traders"]


def test_letters_that_merely_look_like_dba_divide_nothing() -> None:
    assert normalised("Feedbags") == "feedbags"
    assert normalised("Tata Pens") == "tata pens"


def test_words_of_an_address() -> None:
    assert words_of(" 12-B, Rue de l'Été ") == "12 b rue de lete"
