"""What the gate stops for good reason to be afraid: a finding and a mail at once, beside the held row."""

from dataclasses import dataclass

from procurement.ledger import Ledger
from procurement.ledger.types import Peeked, PlannedFinding, Run
from procurement.order_gate import Verdict
from procurement.pipelines.coupa_requisitions_to_amazon_orders.names import PIPELINE
from procurement.policies import Rules


@dataclass(frozen=True, slots=True)
class GateAlarms:
    """Tells people of each purchase order once, however often its order comes to the gate."""

    ledger: Ledger
    run: Run
    rules: Rules

    def __call__(self, delivery: Peeked, verdict: Verdict) -> None:
        sentences = verdict.errors or (verdict.reason,)
        findings = [PlannedFinding(kind="alarm", sentence=sentence) for sentence in sentences]
        self.ledger.findings.replace(delivery.id, self.run, findings)
        number = delivery.payload["gate"]["po_number"]
        body = {
            "to": list(self.rules.policies.alert_recipients),
            "subject": f"ALARM: {number} was stopped before it was ordered",
            "text": "\n\n".join([*sentences, f"Order {delivery.business_key} was not sent; it is held."]),
        }
        self.ledger.notices.add(f"{PIPELINE}/gate/{number}", "alarm", body)
