"""The compliance rules at the gate of `coupa_requisitions_to_amazon_orders`: asked directly before an order is sent.

Only rules with `before_order: true`, only while `purchase_compliance` is live and its report-only days are over. What is
blocked is held with the reason; what is routed waits until the rule's approver agreed: in the requisition's approvals, or by a
comment on the purchase order that begins with `approved` and answers our question about it as it stands. A waiver in
compliance.yml lets it through.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import Any, Protocol

from procurement.compliance.documents import Frame, read_purchase_order
from procurement.compliance.judging import Violation, approver_of, judge, stopping
from procurement.compliance.purchases import Purchase
from procurement.errors import RecordError
from procurement.ledger import Ledger
from procurement.ledger.types import Plan, PlannedDelivery, Run
from procurement.order_gate import Verdict
from procurement.pipelines.compliance_surroundings import Agreed, Articles, Contracts, countries, moment_of, surround
from procurement.pipelines.compliance_unreported import Unreported, lines_of, with_bought
from procurement.policies import Mode, Rules

PIPELINE = "purchase_compliance"  # whose rollout decides
ASK = "ask_compliance_approver"
SAYS_YES = "approved"
ORDERS = "purchase_orders"
Json = Mapping[str, Any]
Pages = Iterable[Sequence[dict[str, Any]]]


class Readable(Agreed, Protocol):
    """The part of the Coupa client that the gate's rules read."""

    def comments(self, document: str, id: int) -> Pages: ...
    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Pages: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceGate:
    """Contracts, and each article, are read once, at the first order that is asked about."""

    coupa: Readable
    ledger: Ledger
    run: Run
    rules: Rules
    account: str
    contracts: Contracts
    articles: Articles
    unreported: Unreported
    one_by_one: Lock = field(default_factory=Lock)

    @property
    def asked(self) -> bool:
        """Whether any rule is asked here at all."""
        file, rollout = self.rules.compliance, self.rules.rollout.of(PIPELINE, account=self.account)
        over = rollout.go_live is not None and self.run.now.date() >= rollout.go_live + timedelta(
            days=file.report_only_days
        )
        return rollout.mode is Mode.LIVE and over and any(rule.before_order for rule in file.rules)

    def look(self, order: Json, requisition: Json) -> Verdict | None:
        """None: it may go. Raises the connectors' errors when Coupa cannot be read."""
        frame = Frame(countries(self.rules), self.rules.compliance.reading.cost_center_segment, self.run.now)
        if not self.asked:
            return None
        try:
            purchase = read_purchase_order(order, requisition, frame)
        except RecordError as error:
            return Verdict("held", "compliance: it cannot be judged", error.problems)
        source = f"amazon_business/{self.account}"
        (purchase,) = self.articles.coded([purchase])
        with self.one_by_one:  # two orders that are looked at at once would not see each other
            verdict = self._judge(order, purchase, source)
            if verdict is None:
                self.unreported.passed[str(purchase.po_number)] = purchase
        return verdict

    def _judge(self, order: Json, purchase: Purchase, source: str) -> Verdict | None:
        others = self.unreported.beside(purchase, source)
        self.contracts.agreements(line.asin for one in others for line in one.lines)
        around = surround(
            self.ledger, self.contracts, [purchase], {}, source=source, rules=self.rules, beside=lines_of(others)
        )
        file, today = self.rules.compliance, self.run.now.date()
        found = judge(purchase, with_bought(around[purchase.key], others), file, today=today, before_order=True)
        stopped = stopping(found, file, purchase.approved_by)
        blocked = [one for one in stopped if one.action == "block"]
        if blocked:
            sentences = tuple(f"{one.rule}: {one.sentence}" for one in stopped)
            return Verdict("held", f"compliance: {blocked[0].rule} blocks it", sentences)
        questions = self._questions(order, stopped)
        return self._asked(order, questions) if questions else None

    def _questions(self, order: Json, stopped: Sequence[Violation]) -> list["Question"]:
        """One for each rule. A changed PO, and whatever else the rule finds meanwhile, is asked about anew."""
        by_rule: dict[str, list[Violation]] = {}
        for one in stopped:
            by_rule.setdefault(one.rule, []).append(one)
        return [
            Question.of(order, found, str(approver_of(found[0], self.rules.compliance))) for found in by_rule.values()
        ]

    def _asked(self, order: Json, questions: Sequence["Question"]) -> Verdict | None:
        """None: every one of them was agreed to."""
        rows = [row for page in self.coupa.comments(ORDERS, int(order["id"])) for row in page]
        open_ones = [one for one in questions if not one.agreed(rows)]
        if not open_ones:
            return None
        sentences = tuple(f"{one.rule}: {one.sentences}" for one in open_ones)
        if lost := self._ask(order, open_ones):
            return Verdict("held", f"compliance: {lost[0].rule} asks {lost[0].login}, who is no active user of Coupa", (
                *sentences,
                *(f"Name another approver of {one.rule} than {one.login} in compliance.yml, then replay the order." for one in lost),
            ))  # fmt: skip
        self._remind(order, open_ones, rows)
        logins = ", ".join(dict.fromkeys(one.login for one in open_ones))
        return Verdict("waiting", f"compliance: {open_ones[0].rule} waits for the approval of {logins}", sentences)

    def _ask(self, order: Json, questions: Sequence["Question"]) -> list["Question"]:
        """A comment on the PO for each, which this or the next run of the orders' pipeline sends once. Those that nobody would hear
        of, because Coupa does not know their approver, are not asked but returned."""
        known = self.ledger.deliveries.known(self.run.dag_id, ASK, [one.key for one in questions])
        fresh = [one for one in questions if one.key not in known]
        if not fresh:
            return []
        pages = self.coupa.users(sorted({one.login for one in fresh}))
        ids = {
            str(raw.get("login")): int(raw["id"]) for page in pages for raw in page if raw.get("active") is not False
        }
        plan = Plan(deliveries=[
            PlannedDelivery(action=ASK, business_key=one.key, payload=one.comment(int(order["id"]), ids[one.login]))
            for one in fresh if one.login in ids
        ])  # fmt: skip
        self.ledger.planning.keep(self.run, plan)
        return [one for one in fresh if one.login not in ids]

    def _remind(self, order: Json, questions: Sequence["Question"], rows: Sequence[Json]) -> None:
        """One mail about each question that nobody answered within its rule's days: an order must not wait unseen."""
        for one in questions:
            rule = self.rules.compliance.rule(one.rule)
            since = min((at for row in one.asked_in(rows) if (at := moment_of(row.get("created-at")))), default=None)
            if rule is None or since is None or self.run.now - since < timedelta(days=rule.act_within_days):
                continue
            mail = {
                "to": list(self.rules.compliance.people.digest),
                "subject": f"Purchase order {order.get('po-number')} waits for {one.login} since {since:%Y-%m-%d}",
                "text": f"{one.sentences} Rule {one.rule} asked {one.login} by a comment on the purchase order, and there is no answer. "
                "Amazon gets no order before: get one, name another approver or a waiver in compliance.yml, or cancel the purchase order.",
            }  # fmt: skip
            self.ledger.notices.add(f"{PIPELINE}/unanswered/{one.key}", "compliance", mail)


@dataclass(frozen=True, slots=True)
class Question:
    """What one rule asks its approver about one version of a PO: all that it found, in one comment."""

    key: str
    rule: str
    login: str
    sentences: str

    @classmethod
    def of(cls, order: Json, found: Sequence[Violation], login: str) -> "Question":
        causes = hashlib.sha256("\n".join(sorted(one.key for one in found)).encode()).hexdigest()[:8]
        key = f"{order.get('po-number')}/{found[0].rule}/{order.get('version') or 1}/{causes}"
        return cls(key, found[0].rule, login, " ".join(one.sentence for one in found))

    @property
    def marker(self) -> str:
        return f"[{self.key}]"

    def comment(self, id: int, user: int) -> dict[str, Any]:
        text = (
            f"@[User:{user}] {self.sentences} Rule {self.rule} asks for your approval before Amazon gets the order. Write a comment "
            f"that begins with 'Approved', or leave it unanswered, and nothing is ordered. {self.marker}"
        )
        return {"document": ORDERS, "id": id, "text": text, "marker": self.marker}

    def asked_in(self, rows: Sequence[Json]) -> list[Json]:
        """Our comment; an answer that quotes it is none."""
        return [row for row in rows if self.marker in str(row.get("comments")) and _by(row) != self.login]

    def agreed(self, rows: Sequence[Json]) -> bool:
        """Whether the approver said yes after the question; Coupa says who wrote a comment, and gives later ones higher ids."""
        asked = [int(row["id"]) for row in self.asked_in(rows)]
        return bool(asked) and any(int(row["id"]) > min(asked) and self._says_yes(row) for row in rows)

    def _says_yes(self, row: Json) -> bool:
        return _by(row) == self.login and str(row.get("comments") or "").strip().lower().startswith(SAYS_YES)


def _by(comment: Json) -> str | None:
    return (comment.get("created-by") or {}).get("login")


def no_rules(order: Json, requisition: Json) -> Verdict | None:
    """A gate that asks none of them."""
    del order, requisition
    return None
