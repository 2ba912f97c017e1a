"""The two writes to Coupa, taking a supplier on and inviting it to the portal; and what is left to people."""

from collections.abc import Collection
from dataclasses import dataclass

from connectors.coupa.client import Coupa
from connectors.errors import RejectedError, UncertainOutcome
from connectors.http import Permit
from connectors.tally import Json
from procurement.ledger.types import Claimed, Found, Peeked, Sent, Stop
from procurement.pipelines.amazon_suppliers_to_coupa.names import CERTIFICATE, FOLLOWING, INVITE, ONBOARD, PURCHASE
from procurement.policies import Rules
from procurement.sellers.certificates import Certificate, stands_in
from procurement.sending import Action

ENTERED = "Coupa's supplier has it by now"
ACTIVE = "the supplier is active in Coupa by now"


def actions(coupa: Coupa, rules: Rules) -> dict[str, Action]:
    active = rules.suppliers.progress.active
    return {
        ONBOARD: TakeOn(coupa),
        INVITE: Invite(coupa),
        CERTIFICATE: EnterCertificate(coupa),
        PURCHASE: BuyAgain(coupa, active),
    }


@dataclass(frozen=True, slots=True)
class TakeOn:
    """Payload: {body, number, name, source, ...}. One call creates supplier information and supplier; asked for by the
    supplier's number, which only we give, and by `comment-source`, which marks it as ours."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("create_supplier_information")

    def gate(self, delivery: Peeked) -> Stop | None:
        """Somebody may have entered the supplier since it was planned: it is then recognised by the next run."""
        number, name = str(delivery.payload["number"]), str(delivery.payload["name"])
        for page in self.coupa.suppliers_known_as(number=number, name=name):
            for raw in page:
                reason = f"Coupa has supplier {raw.get('name')} ({raw.get('number') or raw['id']}) by now: looked at again by the next run"
                return Stop("waiting", reason)
        return None

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.create_supplier_information(delivery.payload["body"], permit)
        if raw.get("supplier-id") is None:
            raise UncertainOutcome("Coupa's answer names no supplier", operation="create_supplier_information")
        return _taken_on(raw)

    def ask(self, delivery: Claimed) -> Found | None:
        payload = delivery.payload
        suppliers = [raw for page in self.coupa.suppliers([str(payload["number"])]) for raw in page]
        if not suppliers:
            return None
        ids = [int(raw["id"]) for raw in suppliers]
        for page in self.coupa.supplier_information(ids):
            for raw in page:
                if raw.get("comment-source") == payload["source"]:
                    sent = _taken_on(raw)
                    return Found(target_id=sent.target_id, ours=True, facts=sent.facts)
        return Found(target_id=str(ids[0]), ours=False)


def _taken_on(raw: Json) -> Sent:
    facts = {"status": FOLLOWING, "information": raw["id"], "information_status": raw.get("status")}
    return Sent(target_id=str(raw["supplier-id"]), facts=facts)


@dataclass(frozen=True, slots=True)
class Invite:
    """Payload: {supplier_id, name}. Coupa offers no way to ask whether a supplier was invited: where the answer is lost, a
    person looks, and it is never sent again by itself."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("create_supplier_invite")

    def gate(self, delivery: Peeked) -> Stop | None:
        for page in self.coupa.suppliers_by_id([int(delivery.payload["supplier_id"])]):
            for raw in page:
                if mail_address(raw):
                    return None
        return Stop("skipped", "the supplier has no mail address any more")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = self.coupa.create_supplier_invite(int(delivery.payload["supplier_id"]), permit)
        return Sent(target_id=str(raw["id"]), facts={"status": raw.get("status")})

    def ask(self, delivery: Claimed) -> Found | None:
        sentence = f"Coupa cannot be asked whether {delivery.payload['name']} was invited: look at the supplier's page"
        raise RejectedError((sentence,), operation="create_supplier_invite")


@dataclass(frozen=True, slots=True)
class LeftToPeople:
    """Nothing is ever sent: what becomes of a supplier that was created is people's. Replayed, it is looked at again."""

    coupa: Coupa

    def permit(self) -> Permit:
        return self.coupa.permit("create_supplier_information")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raise RejectedError((f"{delivery.business_key} is left to a person",), operation="create_supplier_information")

    def ask(self, delivery: Claimed) -> Found | None:
        return None


@dataclass(frozen=True, slots=True)
class EnterCertificate(LeftToPeople):
    """Payload: {supplier_id, category, agency, expiry}."""

    def gate(self, delivery: Peeked) -> Stop | None:
        certificate = Certificate.read(delivery.payload)
        for page in self.coupa.suppliers_with_diversities([int(delivery.payload["supplier_id"])]):
            for raw in page:
                if stands_in(certificate, raw):
                    return Stop("skipped", ENTERED)
        question = f"{certificate} is not on the supplier's page in Coupa"
        return Stop("held", question, (question,))


@dataclass(frozen=True, slots=True)
class BuyAgain(LeftToPeople):
    """Payload: {supplier_id}. `active`: the statuses of a supplier that people buy from."""

    active: Collection[str]

    def gate(self, delivery: Peeked) -> Stop | None:
        for page in self.coupa.suppliers_by_id([int(delivery.payload["supplier_id"])]):
            for raw in page:
                if raw.get("status") in self.active:
                    return Stop("skipped", ACTIVE)
        question = "bought from, and its supplier is still not active in Coupa"
        return Stop("held", question, (question,))


def mail_address(supplier: Json) -> str | None:
    """Of the contact that Coupa would invite, as a person entered it."""
    contact = supplier.get("primary-contact") or {}
    return str(contact.get("email") or "").strip() or None
