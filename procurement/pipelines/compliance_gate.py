"""The compliance rules at the gate of `coupa_requisitions_to_amazon_orders`: asked directly before an order is sent.

Only rules with `before_order: true`, only while `purchase_compliance` is live for the order's account, supplier and cost centers
and its report-only days are over. What is blocked is held with the reason; what is routed waits until the rule's approver
agreed: in the requisition's approvals, or by a comment on the purchase order (`compliance_questions`). A waiver in
compliance.yml lets it through. What is stopped stands in the register of violations (`compliance_stopped`).
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from procurement.compliance.documents import cost_centers_of, read_purchase_order
from procurement.compliance.judging import Violation, approver_of, judge
from procurement.compliance.purchases import Purchase
from procurement.errors import RecordError
from procurement.ledger import Ledger
from procurement.ledger.compliance import AGREED
from procurement.ledger.types import Plan, PlannedDelivery, Run
from procurement.order_gate import Verdict
from procurement.pipelines.compliance_questions import ORDERS, Answer, Question
from procurement.pipelines.compliance_rollout import PIPELINE, acts, rollout_of
from procurement.pipelines.compliance_stopped import Stopped
from procurement.pipelines.compliance_surroundings import Agreed, Articles, Contracts, frame_of, moment_of, surround
from procurement.pipelines.compliance_unreported import Unreported, lines_of, with_bought
from procurement.policies import Rules

ASK = "ask_compliance_approver"
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
    stopped: Stopped

    def alone(self) -> AbstractContextManager[object]:
        """From look to claim, where rules look at other orders: two halves of a split that are looked at at once, by two threads or
        two processes, would not see each other."""
        return self.ledger.compliance.one_order_at_a_time(self.account) if self.unreported.wanted else nullcontext()

    def look(self, order: Json, requisition: Json) -> Verdict | None:
        """None: it may go. Raises the connectors' errors when Coupa cannot be read."""
        if not self._is_asked(order):
            return None
        try:
            purchase = read_purchase_order(order, requisition, frame_of(self.rules, self.run.now))
        except RecordError as error:
            return Verdict("held", "compliance: it cannot be judged", error.problems)
        (purchase,) = self.articles.coded([purchase])
        verdict = self._judge(order, requisition, purchase, f"amazon_business/{self.account}")
        if verdict is None:
            self.unreported.remember(purchase)
        return verdict

    def _is_asked(self, order: Json) -> bool:
        """Whether any rule is asked about this order, by the most careful rollout that holds for it."""
        if not any(rule.before_order for rule in self.rules.compliance.rules):
            return False
        supplier = str((order.get("supplier") or {}).get("number") or "")
        segment = self.rules.compliance.reading.cost_center_segment
        centers = cost_centers_of(order.get("order-lines") or (), segment)
        rollout = rollout_of(self.rules, account=self.account, supplier=supplier, cost_centers=centers)
        return acts(rollout, self.rules, self.run.now)

    def _judge(self, order: Json, requisition: Json, purchase: Purchase, source: str) -> Verdict | None:
        others = self.unreported.beside(purchase, source)
        self.contracts.agreements(line.asin for one in others for line in one.lines)
        around = surround(
            self.ledger, self.contracts, [purchase], {}, source=source, rules=self.rules, beside=lines_of(others)
        )
        file, today = self.rules.compliance, self.run.now.date()
        found = judge(purchase, with_bought(around[purchase.key], others), file, today=today, before_order=True)
        blocked = [one for one in found if one.action == "block"]
        questions = self._questions(order, [one for one in found if one.action == "route"])
        rows = [row for page in self.coupa.comments(ORDERS, int(order["id"])) for row in page] if questions else []
        answers = [(one, one.answer(rows, approved=one.login in purchase.approved_by)) for one in questions]
        unsettled = [(one, said) for one, said in answers if said is None or said.word == "no"]
        agreed = {one.rule: f"{one.login}{AGREED}" for one, said in answers if said is not None and said.word == "yes"}
        stopped = [*blocked, *(violation for one, _ in unsettled for violation in one.found)]
        self.stopped.note(order, requisition, stopped, agreed)
        if blocked:
            sentences = tuple(f"{one.rule}: {one.sentence}" for one in stopped)
            return Verdict("held", f"compliance: {blocked[0].rule} blocks it", sentences)
        return self._asked(order, unsettled, rows) if unsettled else None

    def _questions(self, order: Json, routed: Sequence[Violation]) -> list[Question]:
        """One for each rule. A changed PO, and whatever else the rule finds meanwhile, is asked about anew."""
        by_rule: dict[str, list[Violation]] = {}
        for one in routed:
            by_rule.setdefault(one.rule, []).append(one)
        return [
            Question.of(order, found, str(approver_of(found[0], self.rules.compliance))) for found in by_rule.values()
        ]

    def _asked(self, order: Json, unsettled: Sequence[tuple[Question, Answer | None]], rows: Sequence[Json]) -> Verdict:
        sentences = tuple(f"{one.rule}: {one.sentences}" for one, _ in unsettled)
        if refused := [(one, said) for one, said in unsettled if said is not None]:
            return self._refused(order, refused, sentences)
        questions = [one for one, _ in unsettled]
        if lost := self._ask(order, questions):
            return Verdict("held", f"compliance: {lost[0].rule} asks {lost[0].login}, who is no active user of Coupa", (
                *sentences,
                *(f"Name another approver of {one.rule} than {one.login} in compliance.yml, then replay the order." for one in lost),
            ))  # fmt: skip
        if unasked := self._unasked(questions):
            return Verdict("held", f"compliance: {unasked[0].rule} cannot ask {unasked[0].login}", (
                *sentences, "Coupa refused the comment that asks: replay that dead letter first, then the order.",
            ))  # fmt: skip
        self._remind(order, questions, rows)
        logins = ", ".join(dict.fromkeys(one.login for one in questions))
        return Verdict("waiting", f"compliance: {questions[0].rule} waits for the approval of {logins}", sentences)

    def _refused(self, order: Json, refused: Sequence[tuple[Question, Answer]], sentences: tuple[str, ...]) -> Verdict:
        """It waits: a later yes of the same person lets it go. One mail about each no."""
        for one, said in refused:
            mail = {
                "to": list(self.rules.compliance.people.digest),
                "subject": f"Purchase order {order.get('po-number')}: {one.login} said no",
                "text": f"{one.sentences} Rule {one.rule} asked {one.login}, whose last word on the purchase order is no. Amazon gets no "
                f"order. Cancel or change the purchase order; a later comment of {one.login} that begins with 'Approved' lets it go.",
            }  # fmt: skip
            self.ledger.notices.add(f"{PIPELINE}/refused/{one.key}/{said.comment}", "compliance", mail)
        first = refused[0][0]
        return Verdict("waiting", f"compliance: {first.rule} was refused by {first.login}", sentences)

    def _ask(self, order: Json, questions: Sequence[Question]) -> list[Question]:
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

    def _unasked(self, questions: Sequence[Question]) -> list[Question]:
        """Those whose comment Coupa refused: nobody can answer them."""
        known = self.ledger.deliveries.known(self.run.dag_id, ASK, [one.key for one in questions])
        return [one for one in questions if one.key in known and known[one.key].state == "dead"]

    def _remind(self, order: Json, questions: Sequence[Question], rows: Sequence[Json]) -> None:
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


def no_rules(order: Json, requisition: Json) -> Verdict | None:
    """A gate that asks none of them."""
    del order, requisition
    return None
