"""Nothing waits silently for ever: what has waited longer than routing.yml allows is put before the next person by mail,
once a step, and stands in the daily mail with its age and amount until it is over.

Waiting are: exceptions that nobody settled, invoices without a goods receipt, charges without an invoice number, credit
notes without their original, held documents and dead letters. Each counts its age from when it began to wait for
this very thing: what is held after a month of waiting was put before nobody yet. That, and how far each was
escalated, is kept in the ledger's open documents, written after the mail, which carries the run in its key: a crash
repeats a mail, it never swallows one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, Self

from procurement.ledger import Ledger
from procurement.ledger.types import Run
from procurement.ledger.waits import OpenInvoice, Unsent
from procurement.money import Money
from procurement.pipelines.amazon_invoices_to_coupa.comments import ruled
from procurement.pipelines.amazon_invoices_to_coupa.drafts import PIPELINE, number_of
from procurement.pipelines.amazon_invoices_to_coupa.routing_actions import route_of
from procurement.policies import Rules
from procurement.routing import MANAGER, REQUESTER, RoutingRules, WaitReason, steps_due

KIND = f"{PIPELINE} waiting"  # of the open documents
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
MOST_LISTED = 100
REASONS: Sequence[tuple[str, WaitReason]] = (  # words of the pipeline's own reasons
    ("original invoice", "original"),
    ("invoice number", "number"),
    ("still pending at Amazon", "number"),
    ("gives no date for invoice", "number"),
    ("names several invoices", "number"),
    ("names one credit memo", "number"),
)
WORDS: Mapping[str, str] = {
    "exception": "a decision",
    "receipt": "a goods receipt",
    "number": "its invoice number",
    "original": "its original invoice",
    "decision": "a decision",
    "other": "something else",
}
Json = dict[str, Any]


class Directory(Protocol):
    """The part of the Coupa client that knows users."""

    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Iterable[Sequence[Json]]: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """How many people were told of something that waits, and since when it does; None in what older versions wrote."""

    told: int
    since: datetime | None = None

    @property
    def text(self) -> str:
        return f"{self.told} {self.since.isoformat()}" if self.since else str(self.told)

    @classmethod
    def read(cls, text: str) -> Self:
        told, _, since = text.partition(" ")
        return cls(int(told), datetime.fromisoformat(since) if since else None)


def read_watched(ledger: Ledger) -> dict[str, Watched]:
    """What waited when it was last looked at, by the key of its item."""
    return {row.key: Watched.read(row.state) for row in ledger.open_documents.due(KIND, NEVER)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that waits. The n-th of `tell` is told `days` + n x `again_days` after `since`."""

    key: str
    name: str
    waits_for: str
    sentence: str
    amount: Decimal | None
    currency: str | None
    since: datetime
    tell: tuple[str, ...]
    days: int
    again_days: int
    requester: str | None = None

    def reached(self, now: datetime) -> int:
        """How many people should have been told by now."""
        return steps_due(self.since, now, days=self.days, again_days=self.again_days, most=len(self.tell))

    def next_step(self, told: int) -> datetime:
        late = timedelta(days=self.days + told * self.again_days)
        return self.since + late if told < len(self.tell) else NEVER

    def line(self, now: datetime) -> str:
        amount = f"{Money.of(self.amount, self.currency)}  " if self.amount is not None and self.currency else ""
        days = (now - self.since).days
        age = f"waits {days} day{'' if days == 1 else 's'} for {WORDS[self.waits_for]}, since {self.since:%Y-%m-%d}"
        return f"{self.name}  {amount}{age}\n    {self.sentence}"


def exception_item(invoice: OpenInvoice, routing: RoutingRules) -> Item:
    """An exception that its owner was told of by comment and nobody settled."""
    route = route_of(invoice.payload, routing)
    days = int(route["escalate_after_days"])
    return Item(
        key=f"exception {invoice.business_key}", name=number_of(invoice.business_key), waits_for="exception",
        sentence=f"To be decided by {route['due']}. {ruled(route['sentence'], route.get('rule'))}".strip(), amount=invoice.amount,
        currency=invoice.currency, since=invoice.since, tell=tuple(route["escalate_to"]), days=days, again_days=days,
        requester=route["requester"],
    )  # fmt: skip


def receipt_item(invoice: OpenInvoice, routing: RoutingRules, *, watched: Mapping[str, Watched], now: datetime) -> Item:
    """An invoice in Coupa whose goods nobody received; one that was an exception until now waits for them from now on."""
    wait, requester = routing.waiting.receipt, invoice.payload.get("requester-email")
    key, was_exception = f"receipt {invoice.business_key}", f"exception {invoice.business_key}" in watched
    since = now if was_exception else invoice.since
    return Item(
        key=key, name=number_of(invoice.business_key), waits_for="receipt",
        sentence="Receive the goods in Coupa, or say there what is missing.", amount=invoice.amount,
        currency=invoice.currency, since=(watched[key].since or since) if key in watched else since, tell=wait.tell,
        days=wait.days, again_days=wait.again_days, requester=str(requester) if requester else None,
    )  # fmt: skip


def unsent_item(row: Unsent, routing: RoutingRules, *, watched: Mapping[str, Watched], now: datetime) -> Item:
    """What is not in Coupa, or not all of it, and why."""
    reason = reason_of(row)
    wait, key = routing.waiting.of(reason), f"{reason} {row.key}"
    since = (watched[key].since or row.since) if key in watched else now
    return Item(
        key=key, name=row.key, waits_for=reason, sentence=row.reason or f"It is {row.state}.",
        amount=row.amount, currency=row.currency, since=since, tell=wait.tell, days=wait.days,
        again_days=wait.again_days,
    )  # fmt: skip


def reason_of(row: Unsent) -> WaitReason:
    """What it waits for, by the reason it was given."""
    if row.state in ("held", "dead"):
        return "decision"
    return next((reason for words, reason in REASONS if words in row.reason), "other")


def escalate(
    coupa: Directory, ledger: Ledger, items: Sequence[Item], *, run: Run, rules: Rules, attachments: Sequence[Json] = ()
) -> Json:
    """Tells whoever is next, and writes the day's list, with `attachments`; reads Coupa only for the addresses of who is
    told now."""
    watched = read_watched(ledger)
    told = {key: one.told for key, one in watched.items()}
    present = {item.key: item for item in items}
    ledger.open_documents.close(KIND, [key for key in told if key not in present])
    due = [
        (item, item.tell[told.get(key, 0) : item.reached(run.now)])
        for key, item in present.items()
        if item.reached(run.now) > told.get(key, 0)
    ]
    addresses = read_addresses(coupa, due, rules)
    mails: dict[str, list[Item]] = {}
    for item, people in due:
        for address in dict.fromkeys(addresses.of(person, item) for person in people):
            mails.setdefault(address, []).append(item)
    for address, found in sorted(mails.items()):
        body = waiting_mail(found, [address] if address else list(rules.policies.alert_recipients), now=run.now)
        ledger.notices.add(f"{PIPELINE}/escalation/{address or 'nobody'}/{run.run_id}", "escalation", body)
    steps = {key: item.reached(run.now) for key, item in present.items()}
    reached = {key: Watched(steps[key], item.since) for key, item in present.items()}
    ledger.open_documents.watch(
        KIND,
        {
            key: (reached[key].text, item.next_step(steps[key]))
            for key, item in present.items()
            if watched.get(key) != reached[key]
        },
    )
    late = [item for key, item in present.items() if steps[key] > 0]
    if late:
        body = waiting_mail(late, list(rules.policies.alert_recipients), now=run.now)
        body["attachments"] = list(attachments)
        ledger.notices.add(f"{PIPELINE}/waiting/{run.now:%Y-%m-%d}", "waiting", body)
    return {"waiting": len(present), "late": len(late), "escalated": len(due)}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Mail addresses by login, and of managers by their people's address; "" where nobody can be told."""

    by_login: Mapping[str, str]
    managers: Mapping[str, str]

    def of(self, person: str, item: Item) -> str:
        if person == REQUESTER:
            return item.requester or ""
        if person == MANAGER:
            return self.managers.get((item.requester or "").casefold(), "")
        return self.by_login.get(person, "")


def read_addresses(coupa: Directory, due: Sequence[tuple[Item, Sequence[str]]], rules: Rules) -> Addresses:
    """Of those who are told now: 50 a call, no call when nobody is. Who left the company cannot be told."""
    people = {person for _, told in due for person in told}
    logins = sorted(people - {REQUESTER, MANAGER})
    emails = sorted({item.requester for item, told in due if MANAGER in told and item.requester})
    if not logins and not emails:
        return Addresses({}, {})
    by_login: dict[str, str] = {}
    managers: dict[str, str] = {}
    for page in coupa.users(logins, emails=emails):
        for raw in page:
            email = str(raw.get("email") or "")
            if raw.get("active") is not False and raw.get("login"):
                by_login[str(raw["login"])] = email
            managers[email.casefold()] = str((raw.get("manager") or {}).get("email") or "")
    return Addresses(by_login, managers)


def waiting_mail(items: Sequence[Item], recipients: Sequence[str], *, now: datetime) -> Json:
    """Recipients, subject and text: what waits, for what, how long, over how much money; oldest first."""
    listed = sorted(items, key=lambda item: (item.since, item.key))
    totals: dict[str, Decimal] = {}
    for item in listed:
        if item.amount is not None and item.currency:
            totals[item.currency] = totals.get(item.currency, Decimal(0)) + item.amount
    money = ", ".join(str(Money.of(total, currency)) for currency, total in sorted(totals.items()))
    lines = [item.line(now) for item in listed[:MOST_LISTED]]
    if len(listed) > MOST_LISTED:
        lines.append(f"... and {len(listed) - MOST_LISTED} more")
    documents = f"{len(listed)} Amazon document{'' if len(listed) == 1 else 's'}"
    verb = "waits" if len(listed) == 1 else "wait"
    return {
        "to": list(recipients),
        "subject": f"{documents} {verb} too long{f': {money}' if money else ''}",
        "text": "These wait longer than routing.yml allows. The oldest come first.\n\n" + "\n\n".join(lines),
    }
