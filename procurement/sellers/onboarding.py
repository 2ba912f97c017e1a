"""From spellings to sellers, and what becomes of each: known already, not yet, a question, or a new supplier. Pure.

Spellings are taken in a fixed order (those with an address first, then by first purchase), so that the same facts always
give the same sellers. The seller of an order line and the merchant of its charge are one, whatever their names: a trading name
and a legal one. A name that stands on the lines of several sellers is a question, and so are two merchants behind one seller.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from procurement.sellers.facts import SellerFacts
from procurement.sellers.identity import Comparison, KnownParties, Party, Place, Recognition, Verdict, compare
from procurement.sellers.rules import Purchases, SuppliersFile

REGISTRATION_DIGITS = 13  # of a Japanese corporate number, with or without the T of the invoice registration


class Fate(StrEnum):
    LEFT_OUT = "left_out"
    KNOWN = "known"
    BEFORE_GO_LIVE = "before_go_live"
    BELOW = "below"
    QUESTION = "question"
    REVIEW = "review"
    TAKE_ON = "take_on"


@dataclass(frozen=True, slots=True)
class Decision:
    """`supplier`: the Coupa supplier that the seller is, or may be."""

    fate: Fate
    sentence: str
    supplier: Party | None = None


@dataclass(slots=True)
class Seller:
    """One seller under all its spellings, the first leading. `question`: the sentence that leaves open whether it is
    another one, `near`."""

    members: list[SellerFacts]
    question: str | None = None
    near: "Seller | None" = field(default=None, repr=False)

    @property
    def lead(self) -> SellerFacts:
        return self.members[0]

    @property
    def legal_name(self) -> str:
        """Of the merchant as charges name it, the leading spelling's own and most alike first; else the leading name."""
        named = [one for one in self.members if one.place == Place() and one.linked]
        own = [one for one in named if self.lead.key in one.linked]
        alike = max(own or named, key=lambda one: compare(self.lead.party, one.party).score, default=self.lead)
        return alike.name

    @property
    def party(self) -> Party:
        numbers = [one.registration for one in self.members if one.registration]
        others = tuple(dict.fromkeys(one.name for one in self.members[1:]))
        return Party(self.lead.name, self.lead.place, registration_of(*numbers[:1]), self.lead.key, others)


def registration_of(number: str = "") -> str:
    """A Japanese number without its T, empty for anything else: other countries' tax numbers are not comparable."""
    digits = number.strip().upper().removeprefix("T").replace("-", "")
    return digits if digits.isdecimal() and len(digits) == REGISTRATION_DIGITS else ""


def group(spellings: Iterable[SellerFacts], rules: SuppliersFile) -> list[Seller]:
    """Every spelling in exactly one seller."""
    grouping = _Grouping(rules, KnownParties((), thresholds=rules.identity, decisions=rules.decisions))
    for facts in sorted(spellings, key=_order):
        grouping.take(facts)
    return grouping.sellers


def _order(facts: SellerFacts) -> tuple[bool, date, str]:
    return facts.place == Place(), facts.first_bought or date.max, facts.key


@dataclass(slots=True)
class _Grouping:
    rules: SuppliersFile
    known: KnownParties
    sellers: list[Seller] = field(default_factory=list)
    homes: dict[str, int] = field(default_factory=dict)  # by spelling

    def take(self, facts: SellerFacts) -> None:
        linked = self._linked(facts)
        party = Party(facts.name, facts.place, registration_of(facts.registration))
        if len(linked) == 1:
            (home,) = linked
            self._join(facts, self.sellers[home])
        elif linked:
            home = self._apart(facts, linked)
        else:
            home = self._recognised(facts, party)
        self.homes[facts.key] = home
        self.known.add(replace(party, key=str(home)))

    def _linked(self, facts: SellerFacts) -> dict[int, str]:
        """The sellers that stand beside it on an order line, with the line; those that people told apart from it are none."""
        found: dict[int, str] = {}
        for key, line in sorted(facts.linked.items()):
            if key in self.homes:
                other = next(one for one in self.sellers[self.homes[key]].members if one.key == key)
                decided = self.rules.decisions.about(facts.party, other.party)
                if decided is None or decided.points > 0:
                    found.setdefault(self.homes[key], line)
        return found

    def _join(self, facts: SellerFacts, seller: Seller) -> None:
        """Two merchants of quite different names behind one seller: whose address it is, and who is paid, a person says."""
        for other in seller.members:
            both = sorted(set(facts.linked) & set(other.linked))
            if both and self._compare(facts, other).verdict is Verdict.DIFFERENT:
                lines = (
                    f"{facts.name!r} (line {facts.linked[both[0]]}) and {other.name!r} (line {other.linked[both[0]]})"
                )
                seller.question = seller.question or f"charges of {both[0]!r} name two merchants: {lines}"
        seller.members.append(facts)

    def _compare(self, one: SellerFacts, other: SellerFacts) -> Comparison:
        return compare(one.party, other.party, thresholds=self.rules.identity, decisions=self.rules.decisions)

    def _apart(self, facts: SellerFacts, linked: dict[int, str]) -> int:
        """One name on the lines of several sellers: they may all be one, and nobody joins them but a person."""
        sellers = [self.sellers[home] for home in linked]
        lines = ", ".join(f"{line} ({seller.lead.name})" for line, seller in zip(linked.values(), sellers, strict=True))
        question = f"{facts.name!r} stands on order lines of several sellers: {lines}"
        for seller, near in zip(sellers, [*sellers[1:], sellers[0]], strict=True):
            seller.question, seller.near = seller.question or question, seller.near or near
        return self._new(Seller([facts], question, sellers[0]))

    def _recognised(self, facts: SellerFacts, party: Party) -> int:
        found = self.known.recognise(party)
        if found.party is None or found.verdict is Verdict.DIFFERENT:
            return self._new(Seller([facts]))
        home = int(found.party.key)
        if found.verdict is Verdict.UNSURE:
            return self._new(Seller([facts], found.sentence, self.sellers[home]))
        self.sellers[home].members.append(facts)
        return home

    def _new(self, seller: Seller) -> int:
        self.sellers.append(seller)
        return len(self.sellers) - 1


def decide(seller: Seller, purchases: Purchases, *, coupa: KnownParties, rules: SuppliersFile, today: date) -> Decision:
    """What becomes of a seller that was not taken on yet. `purchases` are its own and those of whom it may be."""
    if any(rules.is_listed(rules.leave_out, one) for one in seller.members):
        return Decision(Fate.LEFT_OUT, "left out by a person (suppliers.yml, leave_out)")
    found = coupa.recognise(seller.party)
    if found.verdict is Verdict.SAME and found.party is not None:
        return Decision(Fate.KNOWN, f"already in Coupa as {found.party.name}: {found.sentence}", found.party)
    if any(rules.is_listed(rules.take_on, one) for one in seller.members):
        return Decision(Fate.TAKE_ON, f"released by a person (suppliers.yml, take_on): {purchases}")
    return _by_rule(seller, purchases, found, rules, today)


def _by_rule(seller: Seller, purchases: Purchases, found: Recognition, rules: SuppliersFile, today: date) -> Decision:
    """Where no person decided and Coupa does not know the seller for certain."""
    if purchases.only_before_go_live:
        return Decision(Fate.BEFORE_GO_LIVE, "before go-live")
    rule = rules.past(purchases, today)
    if rule is None:
        wanted = "; or ".join(map(str, rules.onboarding.rules))
        return Decision(Fate.BELOW, f"not enough bought yet; a seller is taken on from {wanted}")
    if found.verdict is Verdict.UNSURE and found.party is not None:
        return Decision(Fate.QUESTION, f"may be Coupa's {found.party.name}: {found.sentence}", found.party)
    if seller.question is not None:
        return Decision(Fate.QUESTION, f"may be another seller: {seller.question}")
    if not rules.onboarding.create:
        return Decision(Fate.REVIEW, f"a new seller past the rule ({rule})")
    return Decision(Fate.TAKE_ON, f"past the rule ({rule}): {purchases}")
