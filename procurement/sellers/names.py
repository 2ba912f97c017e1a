"""A company's name as it is compared: without case, width, accents, punctuation and legal form. Pure.

Amazon gives no seller id: a seller is a name and an address, and the same seller is spelled `Pen Traders LLC` in one
place, `PEN TRADERS, L.L.C.` in another and `Acme Holdings Inc. DBA Pen Traders` in a third.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# Legal forms as their spelled words, by country. One that several countries share has one spelling of its own.
LEGAL_FORMS: dict[str, dict[str, tuple[str, ...]]] = {
    "US": {
        "llc": ("llc", "l l c", "limited liability company", "pllc"), "lp": ("lp", "limited partnership"),
        "inc": ("inc", "incorporated"), "corp": ("corp", "corporation"), "co": ("co", "company"),
        "llp": ("llp", "limited liability partnership"), "pc": ("pc", "professional corporation"),
    },
    "GB": {"ltd": ("ltd", "limited"), "plc": ("plc", "public limited company")},
    "CA": {"ltee": ("ltee",), "ulc": ("ulc",)},
    "AU": {"ltd": ("pty ltd", "pty limited", "proprietary limited")},
    "DE": {
        "gmbh": ("gmbh", "g m b h", "gesellschaft mit beschrankter haftung"), "ug": ("ug haftungsbeschrankt", "ug"),
        "gmbh co kg": ("gmbh and co kg", "gmbh co kg"), "ag": ("ag", "aktiengesellschaft"), "kg": ("kg",), "ohg": ("ohg",),
        "ek": ("ek", "e k", "e kfm"), "gbr": ("gbr",),
    },
    "FR": {"sarl": ("sarl",), "sas": ("sas", "sasu"), "sa": ("sa",), "eurl": ("eurl",)},
    "IT": {"srl": ("srl", "s r l", "srls"), "spa": ("spa", "s p a"), "snc": ("snc",)},
    "ES": {"sl": ("sl", "s l", "slu", "sociedad limitada")},
    "NL": {"bv": ("bv", "b v"), "nv": ("nv",), "vof": ("vof",)},
    "PL": {"sp z oo": ("sp z oo", "sp z o o", "spolka z oo")},
    "SE": {"ab": ("ab", "aktiebolag")},
    "DK": {"aps": ("aps",), "as": ("as", "a s")},
    "FI": {"oy": ("oy", "oyj")},
    "MX": {"sa de cv": ("sa de cv", "s a de c v"), "s de rl de cv": ("s de rl de cv",)},
    "BR": {"ltda": ("ltda",)},
    "IN": {"pvt ltd": ("pvt ltd", "private limited")},
    "CN": {
        "ltd": ("co ltd", "co limited", "company limited", "youxian gongsi", "youxiangongsi", "有限公司", "有限责任公司"),
    },
    "JP": {
        "kk": ("kk", "kabushiki kaisha", "kabushikigaisha", "株式会社", "(株)"), "gk": ("gk", "godo kaisha", "合同会社"),
        "yk": ("yk", "yugen kaisha", "有限会社", "(有)"),
    },
}  # fmt: skip
# Words that tell no seller from another: what differs in them alone is little, what agrees in them alone is nothing.
GENERIC_WORDS = (
    "the and of direct europe global group holding holdings industries international intl online official outlet products"
    " retail sales services shop solutions store stores supplies supply trade trading uk us usa wholesale world"
)
GENERIC = frozenset(GENERIC_WORDS.split())
_ASCII = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "\u0131": "i"})
_LATIN_MARKS = re.compile(r"[\u0300-\u036f]")  # the kana's voicing marks are letters' parts and stay
_APOSTROPHES = re.compile("['`\u2018\u2019\u00b4]")
_INITIALS = re.compile(r"\b(?:[a-z]\.){2,}|\b(?:[a-z]\.)+[a-z]\b")  # l.l.c., u.s.a
_SEPARATORS = re.compile(r"[\W_]+")
_TRADING_AS = re.compile(r"\b(?:d\s*[/.]?\s*b\s*[/.]?\s*a|t\s*/\s*a|trading as|doing business as|o\s*/\s*a)\b[.:]?")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Name:
    """`core` is the comparable name without its legal form, `legal_form` that form's own spelling, if one is stated."""

    core: str
    legal_form: str | None = None

    @property
    def distinctive(self) -> str:
        """The core without generic words; the whole core where nothing else remains."""
        return " ".join(word for word in self.core.split() if word not in GENERIC) or self.core


def normalised(name: str) -> str:
    """The comparable form of a name's legal part: `Pén-Traders, L.L.C.` gives `pen traders`; empty for an empty name."""
    return names_of(name)[0].core


@lru_cache(maxsize=65_536)
def names_of(name: str) -> tuple[Name, ...]:
    """Every name that a spelling states, the legal one first: `Acme Inc. DBA Pen Traders` are two. Never empty."""
    parts = [part for part in _TRADING_AS.split(_folded(name)) if part.strip(" .,")]
    return tuple(dict.fromkeys(_named(part) for part in parts)) or (Name(""),)


@lru_cache(maxsize=65_536)
def words_of(text: str) -> str:
    """Any text without case, width, accents and punctuation: streets and cities are compared so."""
    folded = _APOSTROPHES.sub("", _folded(text))
    folded = _INITIALS.sub(lambda found: found.group().replace(".", ""), folded)
    return " ".join(_SEPARATORS.sub(" ", folded.replace("&", " and ").replace("+", " and ")).split())


def _folded(text: str) -> str:
    """Full width and compatibility forms made plain, lower case, Latin letters without their marks."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_ASCII)
    return unicodedata.normalize("NFC", _LATIN_MARKS.sub("", unicodedata.normalize("NFD", plain)))


def _named(text: str) -> Name:
    for mark, spelled in (("(株)", " 株式会社 "), ("(有)", " 有限会社 ")):
        text = text.replace(mark, spelled)
    words = words_of(text).split()
    words, form = _without_form(_japanese_apart(words))
    return Name(" ".join(words), form)


def _japanese_apart(words: Sequence[str]) -> list[str]:
    """Chinese and Japanese forms are written without a space before or behind the name: they become words."""
    found: list[str] = []
    for word in words:
        for form in _IDEOGRAPHIC:
            if word != form and _CJK.search(word) and (word.startswith(form) or word.endswith(form)):
                word = (
                    f"{form} {word.removeprefix(form)}"
                    if word.startswith(form)
                    else f"{word.removesuffix(form)} {form}"
                )
                break
        found += word.split()
    return found


def _without_form(words: list[str]) -> tuple[list[str], str | None]:
    """The words without the legal form at their end (or, in Japan, at their beginning); a name that is only a form stays."""
    for spelled, form in _FORMS:
        size = len(spelled)
        if len(words) > size and tuple(words[-size:]) == spelled:
            return words[: -size - (words[-size - 1] == "and" and len(words) > size + 1)], form
        if len(words) > size and size == 1 and spelled[0] in _IDEOGRAPHIC and words[0] == spelled[0]:
            return words[1:], form
    return words, None


def _by_length() -> list[tuple[tuple[str, ...], str]]:
    spellings = {
        tuple(words_of(spelling).split()) or (spelling,): form
        for forms in LEGAL_FORMS.values()
        for form, known in forms.items()
        for spelling in known
    }
    return sorted(spellings.items(), key=lambda pair: (-len(pair[0]), pair[0]))


_IDEOGRAPHIC = ("有限责任公司", "有限公司", "株式会社", "合同会社", "有限会社")
_FORMS = _by_length()
