"""Whether two spellings are one seller, by evidence that adds up to a score. Pure.

Two thresholds cut the score: from `same` on they are one, below `different` they are two, and between them a person
decides. What a person decided stands above every score. The points are chosen so that a name alone, however alike, never
joins two spellings that are not the same word for word: many sellers share an address (that of their agent), and many
share half a name.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import Self

from pydantic import Field, model_validator
from rapidfuzz import fuzz, process

from procurement.rule_model import RuleModel
from procurement.sellers.names import Name, names_of, words_of

NAME_POINTS = 80  # for the same name; two points less for each of the hundred that it differs
CANDIDATES = 10  # the best by name that are looked at closely
LEAST_ALIKE = 60  # below, a name gives no point at all
NEAR_STREET, OTHER_STREET = 90, 60
SLIP = 75  # words at least so alike differ by a slip of the keys


class Verdict(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


class Thresholds(RuleModel):
    """Scores between which a person decides: one seller from `same` on, two below `different`."""

    same: int = Field(85, ge=1, le=200)
    different: int = Field(40, ge=0, le=200)

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.different > self.same:
            raise ValueError("`different` must not be above `same`")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address as far as it tells sellers apart; `country` is the two-letter code."""

    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or supplier as one source spells it. `registration` is a number that only one company has (in Japan, Amazon
    gives the invoice registration number); `key` is the caller's own name for it: parties of one key are one."""

    name: str
    place: Place = Place()
    registration: str = ""
    key: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    points: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`sentence` says what was compared and what came out, for a review list or a comment."""

    verdict: Verdict
    score: int
    evidence: tuple[Evidence, ...]
    settled: bool = False  # by a decision or a registration number alone

    @property
    def sentence(self) -> str:
        told = "; ".join(one.sentence for one in self.evidence)
        return f"{told} ({self.score} points: {self.verdict})"


@dataclass(frozen=True, slots=True)
class Decisions:
    """What people decided about spellings: `same` and `different` hold pairs of spelled names, in either order."""

    same: frozenset[frozenset[str]] = frozenset()
    different: frozenset[frozenset[str]] = frozenset()

    @classmethod
    def of(cls, same: Iterable[tuple[str, str]] = (), different: Iterable[tuple[str, str]] = ()) -> Self:
        pairs = [
            frozenset(frozenset((words_of(one), words_of(other))) for one, other in decided)
            for decided in (same, different)
        ]
        return cls(*pairs)

    def about(self, one: Party, other: Party) -> Evidence | None:
        for decided, points, word in ((self.different, -1000, "different"), (self.same, 1000, "the same")):
            for left, right in product((one.name, *one.aliases), (other.name, *other.aliases)):
                if frozenset((words_of(left), words_of(right))) in decided:
                    return Evidence(points, f"a person decided that {left!r} and {right!r} are {word}")
        return None

    def partners(self, party: Party) -> Iterator[str]:
        """The spellings that people declared one with this party, as `KnownParties` finds them."""
        spelled = {words_of(name) for name in (party.name, *party.aliases)}
        for pair in self.same:
            if pair & spelled:
                yield from (f"spelled {other}" for other in pair)


NOTHING_DECIDED = Decisions()
AS_SHIPPED = Thresholds(same=85, different=40)


def compare(
    one: Party, other: Party, *, thresholds: Thresholds = AS_SHIPPED, decisions: Decisions = NOTHING_DECIDED
) -> Comparison:
    """Symmetric. A decision or a registration number settles it alone; otherwise names and addresses add up."""
    settled = decisions.about(one, other) or _registration(one, other)
    if settled is not None:
        verdict = Verdict.SAME if settled.points > 0 else Verdict.DIFFERENT
        return Comparison(verdict, max(0, min(settled.points, 100)), (settled,), settled=True)
    evidence = (*_names(one, other), *_places(one.place, other.place))
    score = max(0, sum(each.points for each in evidence))
    return Comparison(_verdict(score, thresholds), score, evidence)


def _verdict(score: int, thresholds: Thresholds) -> Verdict:
    if score >= thresholds.same:
        return Verdict.SAME
    return Verdict.DIFFERENT if score < thresholds.different else Verdict.UNSURE


def _registration(one: Party, other: Party) -> Evidence | None:
    left, right = _registered(one.registration), _registered(other.registration)
    if not left or not right:
        return None
    if left == right:
        return Evidence(1000, f"the same registration number {one.registration}")
    return Evidence(-1000, f"registration numbers {one.registration} and {other.registration} differ")


def similarity(one: Name, other: Name) -> float:
    """0 to 100; 100 only for the same words. The least of the whole names and of their distinctive words, in any order."""
    if not one.core or not other.core:
        return 0.0
    if one.core == other.core:
        return 100.0
    return min(_ratio(one.core, other.core), _ratio(one.distinctive, other.distinctive), 99.0)


def _ratio(one: str, other: str) -> float:
    """Words in any order, or without the spaces between them: `PenTraders` is `Pen Traders` but for a space."""
    return max(fuzz.token_sort_ratio(one, other), fuzz.ratio(_joined(one), _joined(other)))


def _names(one: Party, other: Party) -> list[Evidence]:
    pairs = product(_spelled_names(one), _spelled_names(other))
    alike, (left, here), (right, there) = max(
        ((similarity(a[0], b[0]), a, b) for a, b in pairs), key=lambda found: (found[0], sorted(map(str, found[1:])))
    )
    points = round(max(0.0, NAME_POINTS - 2 * (100 - alike))) if alike >= LEAST_ALIKE else 0
    what = "the same name" if alike == 100 else f"names {alike:.0f} % alike"
    evidence = [Evidence(points, f"{what} ({here!r}, {there!r})")]
    if left.legal_form and right.legal_form:
        if left.legal_form == right.legal_form:
            evidence.append(Evidence(5, f"the same legal form ({left.legal_form})"))
        else:
            evidence.append(Evidence(-30, f"legal forms {left.legal_form} and {right.legal_form} differ"))
    if _numbers(left) != _numbers(right):
        evidence.append(Evidence(-30, "the numbers in the names differ"))
    return [*evidence, *_words(left, right)]


def _words(one: Name, other: Name) -> list[Evidence]:
    """A word of its own on each side is no slip of the keys: `Shenzhen ABC Trading` is not `Shenzhen ABD Trading`."""
    left, right = one.distinctive.split(), other.distinctive.split()
    only_left = "".join(word for word in left if word not in right)
    only_right = "".join(word for word in right if word not in left)
    if not only_left or not only_right or fuzz.ratio(only_left, only_right) >= SLIP:
        return []
    return [Evidence(-20, f"{only_left} is not {only_right}")]


def _spelled_names(party: Party) -> list[tuple[Name, str]]:
    """Every name, with the spelling that states it."""
    return [(name, spelled) for spelled in (party.name, *party.aliases) for name in names_of(spelled)]


def _all_names(party: Party) -> tuple[Name, ...]:
    return tuple(dict.fromkeys(name for name, _ in _spelled_names(party)))


def _numbers(name: Name) -> list[str]:
    return sorted("".join(filter(str.isdigit, word)) for word in name.core.split() if any(map(str.isdigit, word)))


def _places(one: Place, other: Place) -> list[Evidence]:
    """What addresses say, where both state it; two countries are said once, not again by city and street."""
    if one.country and other.country and one.country.upper() != other.country.upper():
        return [Evidence(-25, f"countries {one.country} and {other.country} differ")]
    stated = (
        ("postal code", 10, one.postal_code, other.postal_code, _postal(one), _postal(other)),
        ("city", 5, one.city, other.city, words_of(one.city), words_of(other.city)),
    )
    return [
        *(_agreement(what, points, *spelled) for what, points, *spelled in stated if all(spelled)),
        *_streets(one, other),
    ]


def _agreement(what: str, points: int, left: str, right: str, one: str, other: str) -> Evidence:
    """`left` and `right` as written, `one` and `other` as compared."""
    if one == other:
        return Evidence(points, f"the same {what} {left}")
    return Evidence(-points, f"{what} {left} is not {right}")


def _streets(one: Place, other: Place) -> list[Evidence]:
    left, right = words_of(one.street), words_of(other.street)
    if not left or not right:
        return []
    alike = fuzz.token_sort_ratio(left, right)
    if alike >= NEAR_STREET:
        return [Evidence(15, f"the same street {one.street}")]
    return [Evidence(-10, f"street {one.street} is not {other.street}")] if alike < OTHER_STREET else []


def _postal(place: Place) -> str:
    """Comparable: the five digits of an American code are its place, the four behind them a block."""
    code = words_of(place.postal_code).replace(" ", "")
    american = place.country.upper() in ("US", "") and code.isdigit() and len(code) in (5, 9)
    return code[:5] if american else code


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a seller turned out to be among the known: one of them, none of them, or a question for a person.

    `party`: the known one it is, or is most like; None where none was alike at all."""

    verdict: Verdict
    party: Party | None = None
    sentence: str = "no known name is alike"
    score: int = 0
    others: tuple[Party, ...] = field(default=())


class KnownParties:
    """Known sellers or suppliers, to be searched by spelling. 10,000 of them answer in some milliseconds."""

    def __init__(
        self,
        parties: Iterable[Party],
        *,
        thresholds: Thresholds = AS_SHIPPED,
        decisions: Decisions = NOTHING_DECIDED,
    ) -> None:
        self._thresholds, self._decisions = thresholds, decisions
        self._parties: list[Party] = []
        self._sorted: list[str] = []  # every name of every party, its words in order, beside the number of its party
        self._joined: list[str] = []
        self._owners: list[int] = []
        self._exact: dict[str, list[int]] = {}  # by core, by spelling and by registration number
        for party in parties:
            self.add(party)

    def __len__(self) -> int:
        return len(self._parties)

    def add(self, party: Party) -> None:
        number = len(self._parties)
        self._parties.append(party)
        for name in _all_names(party):
            self._sorted.append(_in_order(name.core))
            self._joined.append(_joined(name.core))
            self._owners.append(number)
        for found in _exact_keys(party):
            self._exact.setdefault(found, []).append(number)

    def recognise(self, seller: Party) -> Recognition:
        """The one known party it is; unsure where several could be it, or one might; different where none is."""
        compared = [
            (compare(seller, party, thresholds=self._thresholds, decisions=self._decisions), party)
            for party in self._candidates(seller)
        ]
        same = [pair for pair in compared if pair[0].verdict is Verdict.SAME]
        settled = [pair for pair in same if pair[0].settled] or same
        if settled and len({party.key or str(party) for _, party in settled}) == 1:
            found, party = max(settled, key=lambda pair: pair[0].score)
            return Recognition(Verdict.SAME, party, found.sentence, found.score)
        alike = settled or [pair for pair in compared if pair[0].verdict is Verdict.UNSURE]
        if not alike:
            return Recognition(Verdict.DIFFERENT, *_nearest(compared))
        alike.sort(key=lambda pair: (-pair[0].score, pair[1].name, pair[1].key))
        found, party = alike[0]
        several = f"{len(settled)} known parties are the same by this evidence; the first: " if settled else ""
        return Recognition(
            Verdict.UNSURE, party, several + found.sentence, found.score, tuple(other for _, other in alike[1:])
        )

    def _candidates(self, seller: Party) -> list[Party]:
        numbers: dict[int, None] = {}
        for key in (*_exact_keys(seller), *self._decisions.partners(seller)):
            numbers |= dict.fromkeys(self._exact.get(key, ()))
        for core in dict.fromkeys(name.core for name in _all_names(seller)):
            for spelled, choices in ((_in_order(core), self._sorted), (_joined(core), self._joined)):
                found = process.extract(spelled, choices, scorer=fuzz.ratio, score_cutoff=LEAST_ALIKE, limit=CANDIDATES)
                numbers |= dict.fromkeys(self._owners[index] for _, _, index in found)
        return [self._parties[number] for number in numbers]


def _exact_keys(party: Party) -> Iterator[str]:
    yield from (f"core {name.core}" for name in _all_names(party))
    yield from (f"spelled {words_of(name)}" for name in (party.name, *party.aliases))
    if party.registration:
        yield f"registration {_registered(party.registration)}"


def _in_order(core: str) -> str:
    return " ".join(sorted(core.split()))


def _joined(core: str) -> str:
    return core.replace(" ", "")


def _registered(number: str) -> str:
    return words_of(number).replace(" ", "")


def _nearest(compared: Sequence[tuple[Comparison, Party]]) -> tuple[Party | None, str, int]:
    if not compared:
        return None, "no known name is alike", 0
    found, party = max(compared, key=lambda pair: (pair[0].score, pair[1].name))
    return party, found.sentence, found.score
