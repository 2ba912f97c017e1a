"""What people are told about a supplier after it was created: deliveries that are held from the start and never sent. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass
from datetime import date, timedelta
from typing import Any

from procurement.ledger.types import Known, PlannedDelivery
from procurement.pipelines.amazon_suppliers_to_coupa.names import CERTIFICATE, PURCHASE
from procurement.sellers.certificates import Certificates, gained
from procurement.sellers.facts import Bought
from procurement.sellers.onboarding import Seller
from procurement.sellers.rules import Progress

Json = dict[str, Any]
TURNED_AWAY = ("rejected", "deleted")


@dataclass(frozen=True, slots=True)
class TakenOn:
    """An onboarding that may have been sent, with what was sent: its members are settled."""

    known: Known
    payload: Json

    @property
    def members(self) -> frozenset[str]:
        """The spellings that it was sent with."""
        return frozenset(self.payload.get("members") or ())

    @property
    def stands(self) -> bool:
        """There is a supplier, and nobody turned it away."""
        return self.known.state == "delivered" and self.known.outcome not in TURNED_AWAY

    @property
    def decided_on(self) -> date | None:
        """The day on which the pipeline saw what people had decided about the supplier."""
        day = self.known.facts.get("decided_on")
        return date.fromisoformat(day) if day else None

    @property
    def supplier(self) -> str:
        return f"supplier {self.payload['number']} ({self.payload['name']})"


def certificates_gained(taken: TakenOn, held: Certificates, seller: Seller) -> Iterator[PlannedDelivery]:
    """What the seller holds since its supplier was created: for a person to enter, each state once."""
    for certificate in gained(held, taken.payload["body"].get("diversities") or ()) if taken.stands else ():
        question = (
            f"{taken.supplier} holds a certificate at Amazon that was not there when it was created: {certificate}"
        )
        yield _report(
            CERTIFICATE, taken, seller, question, key=[*filter(None, astuple(certificate))], payload=asdict(certificate),
            to_do="Enter it in Coupa, and the entry goes away by itself; or discard the entry with the reason.",
        )  # fmt: skip


def bought_again(
    taken: TakenOn, seller: Seller, *, status: str | None, progress: Progress
) -> Iterator[PlannedDelivery]:
    """What is bought from a supplier that people turned away, on later days, or that they approved and made inactive since:
    it is not created again, and told once. `status`: the supplier's own by now."""
    since, outcome = None, taken.known.outcome
    if outcome in TURNED_AWAY and taken.decided_on is not None and status not in progress.active:
        since = taken.decided_on + timedelta(days=1)
        what = f"was {outcome} in Coupa by {taken.decided_on}, and is bought from since"
    elif outcome == "approved" and status in progress.inactive:
        what = f"is {status} in Coupa by now, and was bought from"
    else:
        return
    bought = Bought.total(facts.bought(since) for facts in seller.members)
    if bought.orders:
        money = ", ".join(f"{currency} {amount}" for currency, amount in sorted(bought.money.items()))
        question = f"{taken.supplier} {what}: {bought.counted_orders}, {money}"
        yield _report(
            PURCHASE, taken, seller, question,
            to_do="Stop buying there, or make the supplier active in Coupa, and the entry goes away by itself; or discard it with the reason.",
        )  # fmt: skip


def _report(
    action: str,
    taken: TakenOn,
    seller: Seller,
    question: str,
    *,
    to_do: str,
    key: Iterable[str] = (),
    payload: Json | None = None,
) -> PlannedDelivery:
    told = (question, f"Seen as: {'; '.join(dict.fromkeys(facts.key for facts in seller.members))}.", to_do)
    return PlannedDelivery(
        action=action, business_key="/".join([taken.known.business_key, *key]),
        payload={"supplier_id": taken.known.target_id, **(payload or {})}, state="held", reason=question, errors=told,
        error_class="policy", required=False,
    )  # fmt: skip
