"""After the supplier was created: who is told, what people decided and entered, whom to invite."""

from collections.abc import Iterable
from typing import Any

from connectors.coupa.client import Coupa
from procurement.ledger import Ledger
from procurement.ledger.types import Known, Plan, PlannedDelivery, Run
from procurement.pipelines.amazon_suppliers_to_coupa.actions import ACTIVE, ENTERED, mail_address
from procurement.pipelines.amazon_suppliers_to_coupa.names import (
    CERTIFICATE,
    ENDED,
    FOLLOWING,
    INVITE,
    ONBOARD,
    PIPELINE,
    PURCHASE,
)
from procurement.policies import Mode, Rules
from procurement.sellers.certificates import Certificate, stands_in

Json = dict[str, Any]
Summary = dict[str, Any]
NOTICE = "new_supplier"
RENEWED = "the seller holds a later one by now"


def follow_up(coupa: Coupa, ledger: Ledger, *, run: Run, rules: Rules) -> Summary:
    """Reads the suppliers that people still decide on, or that they were told of; records what they decided and entered, and
    plans invitations."""
    counts = {"followed": 0, "approved": 0, "rejected": 0, "invited": 0, "certificates_entered": 0, "active_again": 0}
    if run.dry_run or rules.rollout.widest(PIPELINE).mode is not Mode.LIVE:
        return {"run": run.id, **counts}
    tell(ledger, rules=rules)
    open_ones = ledger.deliveries.unfinished(PIPELINE, ONBOARD, finished=(ENDED,))
    ids = [int(one.target_id) for one in open_ones if one.target_id]
    suppliers = _by_id(coupa.suppliers_by_id(ids), "id")
    informations = _by_id(coupa.supplier_information(ids), "supplier-id")
    invited = ledger.deliveries.known(PIPELINE, INVITE, [one.business_key for one in open_ones])
    facts: dict[int, Json] = {}
    plan = Plan()
    today = {"decided_on": run.now.date().isoformat()}
    for one in open_ones:
        supplier, information = suppliers.get(int(one.target_id or 0)), informations.get(int(one.target_id or 0))
        statuses = [str(raw.get("status")) if raw else None for raw in (information, supplier)]
        outcome = "deleted" if supplier is None else rules.suppliers.progress.outcome(*statuses)
        decided = outcome is not None and (outcome != one.outcome or "decided_on" not in one.facts)
        if outcome is not None and outcome != one.outcome:
            ledger.deliveries.set_outcome(one.id, outcome, {}, kind="decided")
            counts[outcome] = counts.get(outcome, 0) + 1
        wanted = rules.suppliers.onboarding.invite and outcome not in ("rejected", "deleted")
        if wanted and one.business_key not in invited and supplier is not None and mail_address(supplier):
            plan.deliveries.append(_invitation(one, supplier, rules))
        waits = outcome is None or (outcome == "approved" and wanted and one.business_key not in invited)
        facts[one.id] = {
            "status": FOLLOWING if waits else ENDED, "information_status": statuses[0], "supplier_status": statuses[1],
            **(today if decided else {}),
        }  # fmt: skip
    if plan.deliveries:
        with ledger.planning.planning_lock(PIPELINE):
            counts["invited"] = ledger.planning.keep(run, plan).planned
    ledger.deliveries.note_facts(facts)
    counts["certificates_entered"] = _settle_certificates(coupa, ledger)
    counts["active_again"] = _settle_purchases(coupa, ledger, rules)
    return {"run": run.id, **counts, "followed": len(open_ones)}


def _reported(ledger: Ledger, action: str) -> dict[int, Json]:
    """The payloads of the reports that people still have to look at, by delivery."""
    held = [one.id for one in ledger.deliveries.of_keys_like(PIPELINE, action, [""]) if one.state == "held"]
    return ledger.deliveries.payloads(held)


def _settle_purchases(coupa: Coupa, ledger: Ledger, rules: Rules) -> int:
    """How many suppliers that had been turned away people made active again: their purchases need nobody any more."""
    reports = {id: int(str(raw["supplier_id"])) for id, raw in _reported(ledger, PURCHASE).items()}
    suppliers = _by_id(coupa.suppliers_by_id(set(reports.values())), "id")
    active = rules.suppliers.progress.active
    again = [id for id, of in reports.items() if suppliers.get(of, {}).get("status") in active]
    return sum(ledger.deliveries.skip(id, ACTIVE) for id in again)


def _settle_certificates(coupa: Coupa, ledger: Ledger) -> int:
    """Reports that need nobody any more: people entered the certificate, or a later one is reported. How many were entered."""
    payloads = _reported(ledger, CERTIFICATE)
    reports = {id: (int(str(raw["supplier_id"])), Certificate.read(raw)) for id, raw in payloads.items()}
    suppliers = _by_id(coupa.suppliers_with_diversities({supplier_id for supplier_id, _ in reports.values()}), "id")
    entered = 0
    for id, (supplier_id, certificate) in reports.items():
        told = [other for of, other in reports.values() if of == supplier_id]
        if stands_in(certificate, suppliers.get(supplier_id, {})):
            entered += ledger.deliveries.skip(id, ENTERED)
        elif any(map(certificate.is_renewed_by, told)):
            ledger.deliveries.skip(id, RENEWED)
    return entered


def _invitation(one: Known, supplier: Json, rules: Rules) -> PlannedDelivery:
    return PlannedDelivery(
        action=INVITE, business_key=one.business_key, after=(ONBOARD, one.business_key), required=False,
        payload={"supplier_id": supplier["id"], "name": supplier.get("name")}, policy_version=rules.version,
    )  # fmt: skip


def _by_id(pages: Iterable[list[Json]], name: str) -> dict[int, Json]:
    return {int(raw[name]): raw for page in pages for raw in page if raw.get(name) is not None}


def tell(ledger: Ledger, *, rules: Rules) -> int:
    """One mail to the procurement team about each supplier that was created, whichever run it was; how many are new."""
    made = ledger.deliveries.unfinished(PIPELINE, ONBOARD, finished=(ENDED,))
    payloads = ledger.deliveries.payloads(one.id for one in made)
    return sum(
        ledger.notices.add(f"{PIPELINE}/created/{one.business_key}", NOTICE, mail(one, payloads[one.id], rules))
        for one in made
    )


def mail(one: Known, payload: Json, rules: Rules) -> Json:
    body = payload["body"]
    codes = [row["diversity-category"]["code"] for row in body.get("diversities") or ()]
    made = (
        f"{payload['name']} was created in Coupa as supplier {payload['number']} (id {one.target_id}): "
        f"status {body['status']}, {'on buyer hold' if body.get('buyer-hold') else 'orderable'}, "
        f"payment {'on hold' if body.get('hold-payment-indicator') else 'not on hold'}."
    )
    parts = [
        made,
        f"Why: {payload['why']}.",
        f"Diversity: {', '.join(codes)}." if codes else "",
        _listed("Still to be asked for", payload["still_missing"]),
        _listed("Certificates of an unknown kind, not entered", payload["unknown_certificates"]),
        _listed("Certificates that have expired, not entered", payload["expired_certificates"]),
        "Approve or reject it in Coupa; nothing that people enter there is overwritten.",
    ]
    return {
        "to": list(rules.suppliers.procurement_team or rules.policies.alert_recipients),
        "subject": f"New supplier from Amazon Business: {payload['name']}",
        "text": "\n\n".join(part for part in parts if part),
    }


def _listed(title: str, words: list[str]) -> str:
    return f"{title}:\n" + "\n".join(f"  - {word}" for word in words) if words else ""
