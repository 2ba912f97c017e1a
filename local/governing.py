"""What governs, told in one true story each: a price that waits for its owner, a budget nearly spent, a seller taken
on, a rule broken.

All of it is read from the ledger; a pipeline that met nothing worth telling tells nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from local.world import CATALOG, COMPLIANCE, SPEND, SUPPLIERS
from procurement.ledger import Ledger
from procurement.pipelines.amazon_spend_to_coupa_budgets.names import TASK
from procurement.pipelines.amazon_suppliers_to_coupa.names import ONBOARD

DEAREST_BROKEN = ("no_po", "over_price", "restricted", "split_order", "duplicate")


def stories(ledger: Ledger, pipelines: Sequence[str]) -> dict[str, str]:
    """One sentence for each of `pipelines` that has something to tell."""
    told = {name: next(TOLD[name](ledger), None) for name in pipelines if name in TOLD}
    return {name: sentence for name, sentence in told.items() if sentence}


def catalog(ledger: Ledger) -> Iterator[str]:
    for letter in ledger.dead_letters.list(states=("held",), pipeline=CATALOG):
        yield f"{letter.document.split()[-1]} waits for its owner: {letter.reason}"


def spend(ledger: Ledger) -> Iterator[str]:
    newest = sorted(ledger.deliveries.of_keys_like(SPEND, TASK, [""]), key=lambda known: -known.id)
    payloads = ledger.deliveries.payloads([known.id for known in newest])
    for known in newest:
        payload = payloads[known.id]
        yield f"{payload['title']}; a task for {payload['group']}, a mail and the burn-down chart"


def suppliers(ledger: Ledger) -> Iterator[str]:
    newest = sorted(ledger.deliveries.of_keys_like(SUPPLIERS, ONBOARD, [""]), key=lambda known: -known.id)
    payloads = ledger.deliveries.payloads([known.id for known in newest])
    for known in newest:
        if known.state == "delivered":
            body: Any = payloads[known.id]["body"]
            found = [str(one["diversity-category"]["code"]) for one in body.get("diversities") or ()]
            certified = f", certified {' and '.join(found)}" if found else ""
            yield (
                f"{body['name']}{certified}, became supplier {body['supplier-number']} in Coupa: {body['status']}, "
                "not orderable, payment on hold, until people decide"
            )


def compliance(ledger: Ledger) -> Iterator[str]:
    for finding in ledger.findings.of_pipeline(COMPLIANCE, DEAREST_BROKEN):
        yield f"order {finding.document.rsplit(' ', 1)[-1]}: {finding.sentence}"


TOLD: Mapping[str, Callable[[Ledger], Iterator[str]]] = {
    CATALOG: catalog,
    SPEND: spend,
    SUPPLIERS: suppliers,
    COMPLIANCE: compliance,
}
