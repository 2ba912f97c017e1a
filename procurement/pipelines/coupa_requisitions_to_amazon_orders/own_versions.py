"""A purchase order that was read anew after it was sent: was its version raised by a person, or by our own write-back?

The ledger says of both that the PO was changed after it had been sent. Where the version is the one that Coupa answered our
write-back with, and the lines are those that were ordered, a finding beside it says so: nobody needs to compare anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from procurement.ledger import Ledger
from procurement.ledger.types import Known, Plan, PlannedFinding, Run
from procurement.order_gate import substance
from procurement.ordering import read_key
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import KIND, PIPELINE, PLACE, WRITE_BACK
from procurement.pipelines.coupa_requisitions_to_amazon_orders.staging import key_of

Json = dict[str, Any]
RAISED = "raised_by_write_back"


def note_own_versions(ledger: Ledger, page: Sequence[Json], *, run: Run, source: str) -> int:
    """A finding for each PO of a staged page whose version our own write-back raised; once for each version. Returns how many."""
    read = {key_of(raw): substance(raw) for raw in page if int(raw.get("version") or 1) > 1}
    if not read:
        return 0
    prefixes = [f"{number}-" for number in read]
    written = [
        row
        for row in ledger.deliveries.of_keys_like(PIPELINE, WRITE_BACK, prefixes)
        if row.state == "delivered"
        and _number(row) in read
        and row.facts.get("version") == read[_number(row)]["version"]
    ]
    placed = {row.business_key: row for row in ledger.deliveries.of_keys_like(PIPELINE, PLACE, prefixes)}
    payloads = ledger.deliveries.payloads(
        [*(row.id for row in written), *(placed[row.business_key].id for row in written)]
    )
    records = ledger.records.find(source, KIND, read)
    findings = []
    for row in written:
        now, order = read[_number(row)], payloads[placed[row.business_key].id]
        if _raised(payloads[row.id], order, now):
            sentence = (
                f"{_number(row)}: version {now['version']} was raised by our own write-back of Amazon's answer. Its lines are those "
                "that were ordered; there is nothing to compare."
            )
            findings.append(
                PlannedFinding(kind=RAISED, sentence=sentence, record_id=records[_number(row)].id, breached=False)
            )
    if findings:
        ledger.planning.keep(run, Plan(findings=findings))
    return len(findings)


def _raised(written: Mapping[str, Any], order: Mapping[str, Any], now: Json) -> bool:
    return int(written["version"]) < int(now["version"]) and list(order["gate"]["lines"]) == now["lines"]


def _number(row: Known) -> str:
    key = read_key(row.business_key)
    return key.po_number if key is not None else row.business_key
