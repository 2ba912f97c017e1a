"""A world in which single charges, refunds and what people key in Coupa can be staged one by one."""

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import requests
import sqlalchemy as sa

from tests.integration.pipelines.conftest import NOW, InvoiceRun, connect_amazon

Json = dict[str, Any]
FATES = sa.text("""
    SELECT r.key, coalesce(d.state, a.state) AS state, coalesce(d.reason, a.reason, '') AS reason, split_part(d.business_key, '/', 3) AS number
    FROM allocations a JOIN source_records r ON r.id = a.record_id LEFT JOIN deliveries d ON d.id = a.delivery_id
    WHERE a.role = 'bills'
""")
FINDINGS = sa.text("SELECT kind, sentence, breached FROM findings ORDER BY id")
MONTHS_AGO = "2026-03-01"


@dataclass
class CreditRun:
    """The pipeline over a sandbox, with the days that pass between its runs."""

    run: InvoiceRun

    @cached_property
    def feed(self) -> list[Json]:
        """Amazon's, as it was at first."""
        amazon, month = connect_amazon(self.run.pair, self.run.ledger), timedelta(days=30)
        pages = [page for n in (3, 2, 1) for page in amazon.transaction_pages(NOW - n * month, NOW - (n - 1) * month)]
        return list(json.loads(json.dumps([row for page in pages for row in page], default=str)))

    def __call__(self, run_id: str, *, days: int = 0, **params: object) -> Json:
        """A run, `days` after the one before."""
        if days:
            self.run.pair.post("amazon", "clock", advance=days * 86400)
            self.run.now += timedelta(days=days)
        return self.run(run_id, **params)

    def charge(self, units: int = 1, *, other_than: str = "") -> Json:
        """A charge of one line with so many units at least, numbered."""
        return next(
            one for one in self.feed
            if one["transactionType"] == "CHARGE" and one.get("invoiceNumber") and one["invoiceNumber"] != other_than
            and len(one["transactionLineItems"]) == 1 and int(one["transactionLineItems"][0]["itemQuantity"]) >= units
        )  # fmt: skip

    def refund(self, charge: Json, **body: Any) -> str:
        """The id of the new refund."""
        answer = self.run.pair.post("amazon", "events/refund", transactionId=charge["transactionId"], **body)
        return str(answer["transactionId"])

    def bill_again(self, charge: Json, number: str) -> None:
        """The same charge once more, under another number."""
        again = {**charge, "transactionId": f"again-{number}", "invoiceNumber": None, "feedDate": self.moment}
        self.run.pair.post("amazon", "events/charge", transaction=again)
        self.run.pair.post("amazon", "events/issue_invoice", transactionId=f"again-{number}", invoiceNumber=number)

    @property
    def moment(self) -> str:
        return self.run.now.isoformat().replace("+00:00", "Z")

    def key(self, charge: Json, number: str, **changes: Any) -> None:
        """A clerk enters the invoice of the charge under this number and submits it."""
        payload = self.payload(charge["invoiceNumber"])
        payload.pop("custom-fields", None)
        body = {**payload, "invoice-number": number, **changes}
        self.run.pair.post("coupa", "events/enter_invoice", **body)

    def payload(self, number: str) -> Json:
        """What a dry run shows for this number."""
        name = f"look for {number}"
        self.run(name, dry_run=True, **{"from": MONTHS_AGO})
        rows = self.run.ledger.plans.of(self.run.ledger.runs.get("amazon_invoices_to_coupa", name))
        return next(row["payload"] for row in rows if row.get("payload", {}).get("invoice-number") == number)

    def make_room(self, charge: Json) -> None:
        """The PO line takes twice the units, and all of them have arrived."""
        line = charge["transactionLineItems"][0]
        at = {"po-number": line["purchaseOrderNumber"], "line-num": line["purchaseOrderLineItemId"]}
        self.run.pair.post("coupa", "events/change_quantity", **at, quantity=str(2 * int(line["itemQuantity"])))
        self.run.pair.post("coupa", "events/receive", **at)

    def act(self, number: str, *actions: str) -> None:
        """The first of the actions that Coupa allows."""
        url = self.run.pair.control("coupa", "events/act_on_invoice")
        answers = [
            requests.post(url, json={"invoice-number": number, "action": action}, timeout=30).ok for action in actions
        ]
        assert any(answers)

    def in_coupa(self, *numbers: str) -> dict[str, tuple[str, Decimal]]:
        """Status and total by number, of those that Coupa has."""
        return {
            one["invoice-number"]: (one["status"], Decimal(one["total-with-taxes"]))
            for one in self.run.pair.invoices()
            if one["invoice-number"] in numbers
        }

    def fate(self, key: str) -> tuple[str, str, str]:
        """(state, reason, number it went under) of a transaction."""
        with self.run.ledger.engine.begin() as connection:
            row = next(row for row in connection.execute(FATES) if row.key == key)
        return row.state, row.reason, row.number or ""

    def findings(self, kind: str) -> list[tuple[str, bool]]:
        with self.run.ledger.engine.begin() as connection:
            return [(row.sentence, row.breached) for row in connection.execute(FINDINGS) if row.kind == kind]
