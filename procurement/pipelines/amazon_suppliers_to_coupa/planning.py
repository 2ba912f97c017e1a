"""What becomes of every seller known so far: planned all together, because a new spelling may change whose it is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from connectors.amazon_business.sellers import NOBODY
from procurement.ledger.types import (
    DeliveryName,
    Known,
    Plan,
    PlannedDelivery,
    PlannedFinding,
    PlannedRecord,
    PlannedState,
    Record,
)
from procurement.pipelines.amazon_suppliers_to_coupa.coupa_suppliers import CoupaSuppliers
from procurement.pipelines.amazon_suppliers_to_coupa.names import ONBOARD, PIPELINE
from procurement.pipelines.amazon_suppliers_to_coupa.reports import TakenOn, bought_again, certificates_gained
from procurement.pipelines.proposals import SHADOW, Proposal
from procurement.policies import Mode, Rules
from procurement.sellers.certificates import certificates
from procurement.sellers.facts import SellerFacts
from procurement.sellers.onboarding import Decision, Fate, Seller, decide, group
from procurement.sellers.profile import country_of, name_of, still_missing, supplier_body, supplier_number
from procurement.sellers.rules import Purchases

Json = dict[str, Any]
FATES: Mapping[Fate, PlannedState] = {
    Fate.LEFT_OUT: "skipped", Fate.KNOWN: "skipped", Fate.BEFORE_GO_LIVE: "skipped", Fate.BELOW: "waiting",
    Fate.QUESTION: "held", Fate.REVIEW: "held",
}  # fmt: skip
AGAIN = ("waiting", "held")  # looked at again by every run: more may be bought, people may decide
UNNAMED = "Amazon names no seller of these purchases"
AMAZON_ITSELF = "Amazon itself, no seller to take on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """`suppliers`: every Coupa supplier as Coupa shows it, read once when the first seller is to be recognised; `taken_on`:
    what may have been sent; `reported`: what people were told already of suppliers that were created; `settled`: spellings
    that stay as they are, with the reason: a person discarded them, or they were planned in shadow and nothing was bought
    since; `account`: the Amazon account."""

    account: str
    rules: Rules
    suppliers: Callable[[], Iterable[Json]]
    taken_on: Sequence[TakenOn]
    today: date
    settled: Mapping[str, str] = field(default_factory=dict)
    reported: frozenset[DeliveryName] = frozenset()
    _taken: dict[str, list[TakenOn]] = field(default_factory=dict)  # by spelling
    _coupa: list[CoupaSuppliers] = field(default_factory=list)

    def __post_init__(self) -> None:
        for one in self.taken_on:
            for key in one.members:
                self._taken.setdefault(key, []).append(one)

    def propose(self, records: Sequence[Record]) -> Proposal:
        """Every record gets exactly one fate."""
        rollout = self.rules.rollout.of(PIPELINE, account=self.account)
        proposal = Proposal()
        plan = proposal.shadow if rollout.mode is Mode.SHADOW else proposal.live
        by_key = {record.key: record for record in records}
        sellers: list[SellerFacts] = []
        for record in records:
            facts = SellerFacts.read(record.raw)
            if facts.key == NOBODY:
                plan.records.append(_fate(record, "skipped", UNNAMED))
            elif self.rules.suppliers.is_listed(self.rules.suppliers.not_sellers, facts):
                plan.records.append(_fate(record, "skipped", AMAZON_ITSELF))
            else:
                sellers.append(facts)
        for seller in group(sellers, self.rules.suppliers):
            self._settle(plan, seller, by_key, rollout.go_live)
        plan.deliveries = list(
            {one.name: one for one in plan.deliveries}.values()
        )  # of two sellers that were one when sent
        proposal.shadow.records = [replace(record, to_plan=False) for record in proposal.shadow.records]
        return proposal

    def _settle(self, plan: Plan, seller: Seller, by_key: Mapping[str, Record], go_live: date | None) -> None:
        taken = [one for facts in seller.members for one in self._taken.get(facts.key, ())]
        if taken:
            self._settle_taken(plan, [by_key[facts.key] for facts in seller.members], taken)
            plan.deliveries += [one for one in self._reports(seller, taken) if one.name not in self.reported]
            return
        if aside := self._set_aside(seller):
            plan.records += [_fate(by_key[facts.key], "skipped", aside) for facts in seller.members]
            return
        purchases = self._purchases(seller.members, go_live)
        decision = self._decide(seller, purchases, go_live)
        if decision.fate is Fate.TAKE_ON:
            self._take_on(plan, seller, decision, purchases, by_key)
            return
        told = (decision.sentence, *self._evidence(seller, purchases))
        for facts in seller.members:
            state = FATES[decision.fate]
            plan.records.append(_fate(by_key[facts.key], state, decision.sentence, told if state == "held" else ()))

    def _set_aside(self, seller: Seller) -> str | None:
        """A person's word about one spelling holds for the seller; shadow only where it holds for all of them."""
        reasons = [self.settled.get(facts.key) for facts in seller.members]
        said = next((reason for reason in reasons if reason is not None and reason != SHADOW), None)
        return said or (SHADOW if all(reason == SHADOW for reason in reasons) else None)

    def _decide(self, seller: Seller, purchases: Purchases, go_live: date | None) -> Decision:
        both = purchases
        if seller.near is not None:
            both = self._purchases([*seller.members, *seller.near.members], go_live)
        coupa, suppliers = self._known_in_coupa(), self.rules.suppliers
        decision = decide(seller, both, coupa=coupa.parties, rules=suppliers, today=self.today)
        question = None if decision.fate is Fate.LEFT_OUT else self._question(seller, decision, purchases)
        return decision if question is None else Decision(Fate.QUESTION, question)

    def _question(self, seller: Seller, decision: Decision, purchases: Purchases) -> str | None:
        """What Coupa's suppliers, as they stand there, have against the decision."""
        coupa, suppliers = self._known_in_coupa(), self.rules.suppliers
        if unknown := ", ".join(coupa.unknown_numbers(seller, suppliers)):
            sentence = f"Coupa has no supplier {unknown}, under which `known_as` in suppliers.yml lists this seller"
            return f"{sentence}: correct the number there, or take the seller out of the list"
        if decision.fate is Fate.KNOWN and purchases.orders and (status := coupa.ended(decision, suppliers)):
            sentence = f"bought from, though its supplier {status} in Coupa ({decision.sentence})"
            return f"{sentence}: set it active again, or list the seller under `leave_out` in suppliers.yml"
        other = coupa.named.get(name_of(seller).casefold()) if decision.fate is Fate.TAKE_ON else None
        if other is not None:  # not even where a person said that they are two: he has to give it another name
            sentence = f"Coupa has a supplier of this very name already, {other}, and takes no second one"
            return (
                f"{sentence}: if it is this seller, say so in `known_as`; if not, create it in Coupa under another name"
            )
        return None

    def _purchases(self, members: Sequence[SellerFacts], go_live: date | None) -> Purchases:
        return Purchases(members, self.rules.lookups["commodities"].find, go_live)

    def _settle_taken(self, plan: Plan, members: Sequence[Record], taken: Sequence[TakenOn]) -> None:
        """A member stays with the delivery that took it on; a spelling found later, or by another account, follows it unsent."""
        sent = {one.known.business_key: one for one in taken if self._is_ours(one.known)}
        plan.deliveries += [PlannedDelivery(action=ONBOARD, business_key=key, payload={}) for key in sent]
        for record in members:
            own = next((key for key, one in sent.items() if record.key in one.members), None)
            if own is None:
                reason = f"belongs to a supplier that was taken on already ({taken[0].known.business_key})"
                plan.records.append(_fate(record, "skipped", reason))
            else:
                plan.records.append(
                    PlannedRecord(record_id=record.id, state="planned", bills=(ONBOARD, own), hash=record.hash)
                )

    def _reports(self, seller: Seller, taken: Sequence[TakenOn]) -> Iterator[PlannedDelivery]:
        suppliers = self.rules.suppliers
        country = country_of(seller, usual_country(self.rules, self.account))
        held = certificates(seller.members, suppliers, country=country, today=self.today)
        left_out = any(suppliers.is_listed(suppliers.leave_out, facts) for facts in seller.members)
        for one in {one.known.id: one for one in taken}.values():
            yield from certificates_gained(one, held, seller)
            if not left_out:
                status = self._known_in_coupa().statuses.get(one.known.target_id or "")
                yield from bought_again(one, seller, status=status, progress=suppliers.progress)

    def _is_ours(self, known: Known) -> bool:
        return known.business_key.startswith(f"{self.account}/")

    def _take_on(
        self, plan: Plan, seller: Seller, decision: Decision, purchases: Purchases, by_key: Mapping[str, Record]
    ) -> None:
        suppliers = self.rules.suppliers
        country = country_of(seller, usual_country(self.rules, self.account))
        held = certificates(seller.members, suppliers, country=country, today=self.today)
        number = supplier_number(seller.lead.key, suppliers)
        source = f"{PIPELINE}/{number}"
        body = supplier_body(seller, suppliers, held=held, country=country, source=source, goods=purchases.commodities)
        payload = {
            "body": body, "number": number, "name": body["name"], "source": source, "why": decision.sentence,
            "members": sorted(facts.key for facts in seller.members), "still_missing": still_missing(body, suppliers),
            "unknown_certificates": list(held.unknown), "expired_certificates": list(held.expired),
        }  # fmt: skip
        delivery = PlannedDelivery(
            action=ONBOARD, business_key=f"{self.account}/{seller.lead.key}", payload=payload, mapping_version=self.rules.version,
            policy_version=self.rules.version,
        )  # fmt: skip
        plan.deliveries.append(delivery)
        for facts in seller.members:
            record = by_key[facts.key]
            plan.records.append(
                PlannedRecord(record_id=record.id, state="planned", bills=delivery.name, hash=record.hash)
            )
        for kind, words in (("unknown_certificate", held.unknown), ("expired_certificate", held.expired)):
            plan.findings += [
                PlannedFinding(kind=kind, sentence=f"{seller.lead.name}: {word}", delivery=delivery.name)
                for word in words
            ]

    def _evidence(self, seller: Seller, purchases: Purchases) -> list[str]:
        """What a person needs to decide: who it is, what was bought, what it holds."""
        names = "; ".join(dict.fromkeys(facts.key for facts in seller.members))
        words = sorted({word for facts in seller.members for word in facts.credentials})
        held = [f"Certificates: {', '.join(words)}."] if words else []
        return [f"Seen as: {names}.", f"Bought: {purchases}.", *held]

    def _known_in_coupa(self) -> CoupaSuppliers:
        if not self._coupa:
            self._coupa.append(CoupaSuppliers.read(self.suppliers(), self.rules))
        return self._coupa[0]


def usual_country(rules: Rules, account: str) -> str:
    """Where sellers without a country are: the account's own marketplace. `account` may be a source (`amazon_business/us`)."""
    entry = rules.accounts.of(account.rpartition("/")[2])
    return entry.marketplace if entry is not None else "US"


def _fate(record: Record, state: PlannedState, reason: str, errors: Sequence[str] = ()) -> PlannedRecord:
    return PlannedRecord(
        record_id=record.id, state=state, reason=reason, errors=tuple(errors), to_plan=state in AGAIN, hash=record.hash,
        error_class="policy" if state == "held" else None,
    )  # fmt: skip
