"""The compliance rules at the gate of `coupa_requisitions_to_amazon_orders`: asked directly before an order is sent.

Only rules with `before_order: true`, only while `purchase_compliance` is live and its report-only days are over. What is
blocked is held with the reason; what is routed waits until the rule's approver agreed: in the requisition's approvals, or by a
comment on the purchase order that begins with `approved` and answers our question about it as it stands. A waiver in
compliance.yml lets it through.
"""

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
from procurement.pipelines.compliance_surroundings import Agreed, Articles, Contracts, countries, surround
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
        if any(one.action == "route" for one in stopped):
            agreed = self._agreed(order, stopped)
            stopped = [one for one in stopped if one not in agreed]
        return self._verdict(order, stopped) if stopped else None

    def _agreed(self, order: Json, stopped: Sequence[Violation]) -> list[Violation]:
        """What the rule's approver agreed to in a comment after our question about this version of the PO; Coupa says who wrote a
        comment, and gives later ones higher ids."""
        rows = [row for page in self.coupa.comments(ORDERS, int(order["id"])) for row in page]
        found = []
        for one in (one for one in stopped if one.action == "route"):
            asked = [int(row["id"]) for row in rows if _marker(order, one) in str(row.get("comments"))]
            login = approver_of(one, self.rules.compliance)
            if asked and any(_says_yes(row, login) and int(row["id"]) > max(asked) for row in rows):
                found.append(one)
        return found

    def _verdict(self, order: Json, stopped: Sequence[Violation]) -> Verdict:
        sentences = tuple(f"{one.rule}: {one.sentence}" for one in stopped)
        blocked = [one for one in stopped if one.action == "block"]
        if blocked:
            return Verdict("held", f"compliance: {blocked[0].rule} blocks it", sentences)
        self._ask(order, stopped)
        logins = ", ".join(dict.fromkeys(str(approver_of(one, self.rules.compliance)) for one in stopped))
        return Verdict("waiting", f"compliance: {stopped[0].rule} waits for the approval of {logins}", sentences)

    def _ask(self, order: Json, stopped: Sequence[Violation]) -> None:
        """One comment on the PO for each rule and version, which this or the next run of the orders' pipeline sends once."""
        logins = sorted({str(approver_of(one, self.rules.compliance)) for one in stopped})
        planned: dict[str, PlannedDelivery] = {}
        known = self.ledger.deliveries.known(self.run.dag_id, ASK, [_key(order, one) for one in stopped])
        asked = [one for one in stopped if _key(order, one) not in known]
        if not asked:
            return
        ids = {
            str(raw["login"]): int(raw["id"]) for page in self.coupa.users(logins) for raw in page if raw.get("login")
        }
        for one in asked:
            login = str(approver_of(one, self.rules.compliance))
            mention = f"@[User:{ids[login]}]" if login in ids else f"{login}:"
            text = (
                f"{mention} {one.sentence} Rule {one.rule} asks for your approval before Amazon gets the order. Write a comment "
                f"that begins with 'Approved', or leave it unanswered, and nothing is ordered. {_marker(order, one)}"
            )
            payload = {"document": ORDERS, "id": int(order["id"]), "text": text, "marker": _marker(order, one)}
            planned.setdefault(
                _key(order, one), PlannedDelivery(action=ASK, business_key=_key(order, one), payload=payload)
            )
        self.ledger.planning.keep(self.run, Plan(deliveries=list(planned.values())))


def _key(order: Json, violation: Violation) -> str:
    """A changed PO is asked about anew."""
    return f"{order.get('po-number')}/{violation.rule}/{order.get('version') or 1}"


def _marker(order: Json, violation: Violation) -> str:
    return f"[{_key(order, violation)}]"


def _says_yes(comment: Json, login: str | None) -> bool:
    by = (comment.get("created-by") or {}).get("login")
    return by == login and str(comment.get("comments") or "").strip().lower().startswith(SAYS_YES)


def no_rules(order: Json, requisition: Json) -> Verdict | None:
    """A gate that asks none of them."""
    del order, requisition
    return None
