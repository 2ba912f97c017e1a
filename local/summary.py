"""What a run moved, matched, held and alerted: `summary.json`, and the prose printed from it.

The values come from the ledger, the sandbox's own counts and the mails received; the prose uses nothing else, so the
two cannot differ. Money is text. Population figures count each document once, whatever run saw it.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import requests

from local.governing import stories
from local.mail_catcher import read_mails
from local.report import account_for_report, account_for_sellers, account_for_spend
from local.stack import Running
from local.story import tell
from local.world import CATALOG, COMPLIANCE, INVOICES, RECONCILIATION, SPEND, SUPPLIERS
from procurement.ledger import Ledger
from procurement.ledger.account import Account
from procurement.ledger.types import Finding, Known
from procurement.pipelines.reconciliation.results import read_result

DAG = INVOICES
NAMES = {  # as people read them, with what is counted
    "coupa_requisitions_to_amazon_orders": "Orders (purchase orders)",
    "amazon_order_status_to_coupa": "Order status (Amazon orders)",
    "amazon_deliveries_to_coupa_receipts": "Receipts (shipped lines)",
    INVOICES: "Invoices (transactions)",
    CATALOG: "Catalog (articles)",
    SPEND: "Spend (transactions)",
    SUPPLIERS: "Suppliers (sellers)",
    COMPLIANCE: "Compliance (Amazon orders)",
}
WORDS = ("seen", "delivered", "waiting", "held", "skipped", "dead")
OUTCOMES = ("matched", "within_tolerance", "waiting_for_receipt", "exception")
MOST_DIFFERENCES = 10
MOST_MAILS = 20
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Summary:
    values: Values

    @property
    def text(self) -> str:
        return json.dumps(self.values, indent=2, ensure_ascii=False) + "\n"


def build_summary(running: Running, *, recording: Path, mails_before: int) -> Summary:
    """Reads ledger, sandbox and mails; changes nothing. `mails_before`: how many this world had before the run."""
    with Ledger.opened(running.ledger_url) as ledger:
        values: Values = {
            "world": {
                "name": running.world.name,
                "now": running.world.moment,
                "orders_report": running.world.orders_report,
            },
            "pipelines": {name: pipeline_values(ledger, name) for name in running.world.pipelines},
            "exceptions": exceptions(ledger),
        }
        values["stories"] = stories(ledger, running.world.pipelines)
        if (reconciled := reconciliation(ledger)) is not None:
            values["reconciliation"] = reconciled
        world = requests.get(f"{running.amazon_url}/_sandbox/world", timeout=30).json()
        if po_number := world["facts"].get("story"):
            values["story"] = {"po": po_number, "events": tell(str(po_number), running, ledger)}
        if running.world.orders_report is not None:
            facts = world["facts"]["report"]
            values["report"] = {
                **account_for_report(facts, world["refused"], ledger=ledger, pipeline=DAG),
                **account_for_sellers(facts, ledger=ledger),
                "spend": account_for_spend(facts, ledger=ledger, pipeline=SPEND),
            }
    calls = {name: _calls(url) for name, url in (("amazon_business", running.amazon_url), ("coupa", running.coupa_url))}
    values["writes"] = {name: int(counted["writes_accepted"]) for name, counted in calls.items()}
    values["calls"] = {name: int(counted["calls"]) for name, counted in calls.items()}
    values["alerts"] = [
        {"subject": mail["subject"], "to": mail["to"], "file": mail["file"], "this_run": number >= mails_before}
        for number, mail in enumerate(read_mails(running.mails))
    ]
    values["versions"] = {name: version(name) for name in ("amazon-coupa-pipelines", "apache-airflow")} | {
        "python": sys.version.split()[0]
    }
    values["look"] = {
        "airflow": f"{running.rest.base_url}/dags", "user": "admin", "amazon_business": f"{running.amazon_url}/_sandbox/docs",
        "coupa": f"{running.coupa_url}/_sandbox/docs", "recording": str(recording), "mails": str(running.mails),
    }  # fmt: skip
    return Summary(values)


def _calls(url: str) -> Mapping[str, Any]:
    return dict(requests.get(f"{url}/_sandbox/calls", timeout=30).json())


def pipeline_values(ledger: Ledger, name: str) -> Values:
    """Documents and money by disposition, reasons; of invoices also the match's outcomes with their money."""
    population = ledger.completeness.population(name)
    values: Values = {
        "documents": {word: int(amount) for word, amount in dispositions(population.documents).items()},
        "money": {
            currency: {word: str(amount) for word, amount in dispositions(account).items()}
            for currency, account in sorted(population.money.items())
        },
        "reasons": [
            {"state": state, "reason": reason, "documents": count}
            for (state, reason), count in sorted(
                population.reasons.items(), key=lambda item: (item[0][0], -item[1], item[0][1])
            )
        ],
    }
    if name == INVOICES:
        values["matches"] = {
            outcome: match_values(ledger.deliveries.list_by_outcome(name, outcome)) for outcome in OUTCOMES
        }
    return values


def reconciliation(ledger: Ledger) -> Values | None:
    """What the last reconciliation found: its line, and every difference; None before the first."""
    run = ledger.runs.latest(RECONCILIATION)
    result = read_result(ledger, run) if run is not None else None
    if result is None:
        return None
    rows = [
        {name: row[name] for name in ("kind", "invoice_number", "transaction", "sentence")}
        for row in result.differences
    ]
    return {
        "line": result.line,
        "green": result.green,
        "kinds": result.kinds,
        "gaps": list(result.gaps),
        "differences": rows,
    }


def dispositions(account: Account) -> dict[str, Decimal]:
    return {word: getattr(account, word) for word in WORDS}


def match_values(deliveries: Sequence[Known]) -> Values:
    money: dict[str, Decimal] = {}
    for delivery in deliveries:
        if delivery.amount is not None and delivery.currency is not None:
            money[delivery.currency] = money.get(delivery.currency, Decimal(0)) + delivery.amount
    return {"invoices": len(deliveries), "money": {currency: str(amount) for currency, amount in sorted(money.items())}}


def exceptions(ledger: Ledger) -> list[Values]:
    """Every invoice with an exception: its number, its gravest difference in one sentence and the rule that decided, its
    amount, and by what causes it differs; dearest first."""
    found = {delivery.id: delivery for delivery in ledger.deliveries.list_by_outcome(DAG, "exception")}
    gravest: dict[int, Finding] = {}
    for finding in ledger.findings.of_deliveries(found):
        if finding.breached and finding.delivery_id is not None:
            gravest.setdefault(finding.delivery_id, finding)
    variances = ledger.deliveries.variances(gravest)
    rows = [
        {
            "document": found[id].business_key.rsplit("/", 1)[-1],
            "kind": finding.kind,
            "sentence": finding.sentence,
            "rule": finding.rule,
            "amount": str(found[id].amount),
            "currency": found[id].currency,
            "variance": variances.get(id, {}).get("parts", {}),
        }
        for id, finding in gravest.items()
    ]
    return sorted(rows, key=lambda row: (-abs(Decimal(row["amount"])), row["document"]))


def most_interesting(rows: Sequence[Mapping[str, Any]], count: int = 3) -> list[Mapping[str, Any]]:
    """The dearest of each kind first, so that three sentences tell three different things."""
    first_of_kind = list({row["kind"]: row for row in reversed(rows)}.values())
    first_of_kind.sort(key=lambda row: -abs(Decimal(row["amount"])))
    others = [row for row in rows if row not in first_of_kind]
    return [*first_of_kind, *others][:count]


def render(values: Values, *, keep: bool) -> str:
    """The summary for a finance person."""
    lines = [
        "",
        f"Amazon Business and Coupa, as of {str(values['world']['now'])[:16].replace('T', ' ')} UTC",
        "",
    ]
    lines += render_pipelines(values["pipelines"])
    lines += render_pipeline(values["pipelines"][DAG])
    lines += render_exceptions(values["exceptions"])
    if "report" in values:
        lines += render_report(values["report"])
    lines += render_stories(values.get("stories") or {})
    lines += render_reconciliation(values.get("reconciliation"))
    lines += render_story(values.get("story"))
    lines += ["", *render_writes(values["writes"])]
    lines += render_alerts(values["alerts"])
    return "\n".join([*lines, *render_places(values["look"], keep=keep)])


def render_writes(writes: Mapping[str, int]) -> list[str]:
    if not any(writes.values()):
        return ["Nothing new was written to Coupa or Amazon: everything was there already."]
    return [f"Written in this run: {writes['coupa']} to Coupa, {writes['amazon_business']} to Amazon Business."]


def render_pipelines(pipelines: Mapping[str, Values]) -> list[str]:
    """One row per pipeline, and why what is held or dead is so."""
    lines = [f"{'':<30}" + "".join(f"{word:>11}" for word in WORDS)]
    for name, pipeline in pipelines.items():
        lines.append(f"{NAMES[name]:<30}" + "".join(f"{pipeline['documents'][word]:>11,}" for word in WORDS))
    for name, pipeline in pipelines.items():
        if name != INVOICES and pipeline["reasons"]:
            lines += ["", f"{NAMES[name].split(' (')[0]}: what was not written, and why:"]
            lines += [f"  {row['documents']:>4}  {row['state']}: {row['reason']}" for row in pipeline["reasons"]]
    return [*lines, ""]


def render_reconciliation(values: Values | None) -> list[str]:
    """The line, and the first differences where it is red."""
    if values is None:
        return []
    rows = values["differences"]
    lines = [f"  {row['invoice_number'] or row['transaction']}: {row['sentence']}" for row in rows[:MOST_DIFFERENCES]]
    more = [f"  ... and {len(rows) - MOST_DIFFERENCES} more"] if len(rows) > MOST_DIFFERENCES else []
    return ["", values["line"], *lines, *more]


def render_stories(stories: Mapping[str, str]) -> list[str]:
    """One from each pipeline that governs."""
    return ["", *(f"{NAMES[name].split(' (')[0]}: {sentence}" for name, sentence in stories.items())] if stories else []


def render_story(story: Values | None) -> list[str]:
    if not story:
        return []
    lines = ["", f"One purchase from requisition to invoice, PO {story['po']}:"]
    return lines + [f"  {event['at'][:16].replace('T', ' ')}  {event['what']}" for event in story["events"]]


def render_pipeline(pipeline: Values) -> list[str]:
    money = pipeline["money"]
    header = f"{'':<22}{'transactions':>13}" + "".join(f"{currency:>16}" for currency in money)
    lines = [header]
    for word in WORDS:
        amounts = "".join(f"{Decimal(by_word[word]):>16,.2f}" for by_word in money.values())
        lines.append(f"{word:<22}{pipeline['documents'][word]:>13,}{amounts}")
    lines += ["", f"{'':<22}{'invoices':>13}" + "".join(f"{currency:>16}" for currency in money)]
    for outcome, match in pipeline["matches"].items():
        amounts = "".join(f"{Decimal(match['money'].get(currency, '0')):>16,.2f}" for currency in money)
        lines.append(f"{outcome.replace('_', ' '):<22}{match['invoices']:>13,}{amounts}")
    lines += ["", "Not delivered, and why:"]
    lines += [f"  {row['documents']:>4}  {row['state']}: {row['reason']}" for row in pipeline["reasons"]]
    return lines


def render_exceptions(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return ["", "No invoice needs a decision."]
    told = most_interesting(rows)
    need = "1 invoice needs a decision; it" if len(rows) == 1 else f"{len(rows)} invoices need a decision; each"
    which = "" if len(told) == len(rows) else f" {len(told)} of them:"
    lines = ["", f"{need} has a comment in Coupa for its reviewer.{which}"]
    lines += [
        f"  {row['document']} ({row['currency']} {Decimal(row['amount']):,.2f}): {row['sentence']}" for row in told
    ]
    return [*lines, *render_variance(rows)]


def render_variance(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What all exceptions together have too much (or, below zero, too little), by cause: a line per currency."""
    sums: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        parts = sums.setdefault(str(row["currency"]), {})
        for cause, amount in row.get("variance", {}).items():
            parts[cause] = parts.get(cause, Decimal(0)) + Decimal(amount)
    return [
        f"  In all {currency} {sum(parts.values()):,.2f} beyond what orders and receipts justify: "
        + ", ".join(f"{cause} {amount:,.2f}" for cause, amount in sorted(parts.items(), key=lambda item: -abs(item[1])))
        for currency, parts in sorted(sums.items())
        if parts
    ]


def render_alerts(alerts: Sequence[Mapping[str, Any]]) -> list[str]:
    sent = [alert for alert in alerts if alert["this_run"]]
    earlier = f" (and {len(alerts) - len(sent)} by earlier runs)" if len(sent) < len(alerts) else ""
    return [
        f"Mails sent in this run: {len(sent)}{earlier}",
        *(f"  {alert['to']}: {alert['subject']}" for alert in sent[:MOST_MAILS]),
        *([f"  ... and {len(sent) - MOST_MAILS} more, in the folder of mails"] if len(sent) > MOST_MAILS else []),
    ]


def render_report(report: Values) -> list[str]:
    currency, money = report["currency"], Decimal(report["money"])
    lines = [
        "",
        f"Your report: {report['rows']} rows, {report['orders']} orders, {currency} {money:,.2f}. Where each row went:",
    ]
    lines += [
        f"  {part['rows']:>4} {'row ' if part['rows'] == 1 else 'rows'}  {currency} {Decimal(part['money']):>12,.2f}  {part['where']}"
        for part in report["parts"]
    ]
    return [*lines, *render_sellers(report), *render_spend(report)]


def render_sellers(report: Values) -> list[str]:
    """Which of the report's sellers and credentials the pipelines know, and the names of those they do not."""
    lines = []
    for what in ("sellers", "credentials"):
        if what in report:
            found = report[what]
            missing = f"; not: {', '.join(found['missing'])}" if found["missing"] else ""
            lines.append(f"  {found['known']} of its {found['named']} {what} are known{missing}")
    return lines


def render_spend(report: Values) -> list[str]:
    if "spend" not in report:
        return []
    seen = ", ".join(f"{currency} {Decimal(amount):,.2f}" for currency, amount in report["spend"]["seen"].items())
    equal = "equal to the cent to" if report["spend"]["equal"] else "NOT equal to"
    return [f"  {seen} went through spend, {equal} what the report charged"]


def render_places(look: Mapping[str, str], *, keep: bool) -> list[str]:
    state = "running; stop it with `make down`" if keep else "stopped again; `make up` leaves it running"
    password = " (password in var/airflow/secrets.json)" if keep else ""
    return [
        "",
        f"Where to look ({state}):",
        f"  Airflow          {look['airflow']}  user {look['user']}{password}",
        f"  Amazon Business  {look['amazon_business']}",
        f"  Coupa            {look['coupa']}",
        f"  Mails            {look['mails']}",
        f"  Every exchange   {look['recording']}",
        "  Dead letters     make dead-letters",
        "  These figures    var/demo/summary.json",
    ]
