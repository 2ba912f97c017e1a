"""The writes of the pipeline, and how Coupa is asked whether one already happened.

A write is known by the business key in its custom field. Before each, rollout.yml is looked at again, and the catalog that it
joins. One that an earlier run planned looks at its record, too: what people did in between is never overwritten, and the
article is compared anew.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.coupa.client import Coupa
from connectors.http import Permit
from procurement.ledger.types import Claimed, Found, Peeked, Sent, Stop
from procurement.pipelines.amazon_catalog_to_coupa.coupa_side import read_catalog, read_item, read_price_row
from procurement.pipelines.amazon_catalog_to_coupa.names import (
    CREATE_ITEM,
    CREATE_PRICE,
    PIPELINE,
    TELL,
    UPDATE_ITEM,
    UPDATE_PRICE,
)
from procurement.pipelines.amazon_catalog_to_coupa.reading import supplier_of
from procurement.pipelines.amazon_catalog_to_coupa.waiting import no_longer
from procurement.pipelines.coupa_actions import Comment, holds
from procurement.pipelines.proposals import SHADOW
from procurement.policies import Mode, Rules
from procurement.sending import Action

Json = dict[str, Any]
Look = Callable[[Coupa, Json], Json | None]  # the record that a payload is about, as Coupa shows it now
SWITCHED_OFF = "switched off in rollout.yml"


@dataclass(slots=True)
class Gate:
    """What must hold for every write of the account in the moment before it goes."""

    coupa: Coupa
    rules: Rules
    account: str
    joinable: set[str] = field(default_factory=set)  # catalogs that need no second question in this load

    def look(self, payload: Json) -> Stop | None:
        supplier = payload.get("supplier") or supplier_of(self.rules, self.account)
        mode = self.rules.rollout.of(PIPELINE, account=self.account, supplier=supplier).mode
        if mode is Mode.OFF:
            return Stop("waiting", SWITCHED_OFF)
        if mode is Mode.SHADOW:
            return Stop("skipped", SHADOW)
        joins = payload.get("body", {}).get("catalog")
        return self._closed(supplier, joins["name"]) if joins and joins["name"] not in self.joinable else None

    def _closed(self, supplier: str, name: str) -> Stop | None:
        """A catalog with nothing in it is asked for again, until the first supplier item in it shows its status, or that Coupa
        shows none."""
        state = read_catalog(self.coupa, supplier, name)
        if state.why_not:
            return Stop("waiting", f"it joins catalog {name}: {state.why_not}")
        if not state.is_empty:
            self.joinable.add(name)
        return None


@dataclass(frozen=True, slots=True)
class Write:
    """A write of an item or a supplier item; `look` finds its record, `marker` is the custom field that names the write."""

    coupa: Coupa
    operation: str
    look: Look
    marker: str
    run: int
    before: Gate

    def permit(self) -> Permit:
        return self.coupa.permit(self.operation)

    def gate(self, delivery: Peeked) -> Stop | None:
        return self.before.look(delivery.payload) or self.overtaken(delivery.payload)

    def overtaken(self, payload: Json) -> Stop | None:
        """What happened in Coupa since it was planned. A plan of this very run needs no look: its reading is minutes old."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Create(Write):
    """A new record: payload {asin, body, hidden or delivered, run}. What stands under its natural key without our mark is somebody else's."""

    def overtaken(self, payload: Json) -> Stop | None:
        if payload["run"] == self.run or self.look(self.coupa, payload) is None:
            return None
        return Stop("waiting", "it is in Coupa by now: compared again")

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        raw = getattr(self.coupa, self.operation)(delivery.payload["body"], permit)
        return Sent(target_id=str(raw["id"]), facts=_facts(delivery.payload, raw))

    def ask(self, delivery: Claimed) -> Found | None:
        raw = self.look(self.coupa, delivery.payload)
        if raw is None:
            return None
        ours = _mark(raw, self.marker) == delivery.business_key
        return Found(target_id=str(raw["id"]), ours=ours, facts=_facts(delivery.payload))


@dataclass(frozen=True, slots=True)
class Update(Write):
    """Changed fields of a record: payload {asin, id, body, was, hidden or delivered, run}."""

    def overtaken(self, payload: Json) -> Stop | None:
        if payload["body"].get("active") is False and (other := self._other_seller(payload)) is not None:
            return Stop("skipped", f"supplier {other} sells the item, too")
        if payload["run"] == self.run:
            return None
        raw = self.look(self.coupa, payload)
        if raw is None:
            return Stop("waiting", "Coupa shows no such record any more: compared again")
        if not holds(payload["was"], raw):
            return Stop("waiting", "it was changed in Coupa since it was planned: compared again")
        return None

    def send(self, delivery: Claimed, permit: Permit) -> Sent:
        payload = delivery.payload
        raw = getattr(self.coupa, self.operation)(int(payload["id"]), payload["body"], permit)
        return Sent(target_id=str(raw["id"]), facts=_facts(payload, raw))

    def ask(self, delivery: Claimed) -> Found | None:
        """The mark tells; without it the write did not happen, or a later one of ours has, and may be made again."""
        raw = self.look(self.coupa, delivery.payload)
        if raw is None or _mark(raw, self.marker) != delivery.business_key:
            return None
        return Found(target_id=str(raw["id"]), ours=True, facts=_facts(delivery.payload))

    def _other_seller(self, payload: Json) -> str | None:
        return next(other_sellers(self.coupa, int(payload["id"]), payload["taken_out"]), None)


@dataclass(frozen=True, slots=True)
class TellApprover(Comment):
    """A price that moved, as long as its account still is live and the requisition waits as it did."""

    before: Gate

    def gate(self, delivery: Peeked) -> Stop | None:
        return self.before.look(delivery.payload) or self._overtaken(delivery.payload)

    def _overtaken(self, payload: Json) -> Stop | None:
        supplier = supplier_of(self.before.rules, self.before.account)
        pages = self.coupa.requisitions([int(payload["id"])])
        requisition = next((raw for page in pages for raw in page), None)
        if requisition is None:
            return Stop("skipped", f"Coupa has no requisition {payload['id']} any more")
        why = no_longer(payload, requisition, supplier)
        return Stop("skipped", why) if why else None


def other_sellers(coupa: Coupa, item_id: int, taken_out: Collection[int]) -> Iterator[str]:
    """Numbers of the suppliers, ours included, that sell the item by another supplier item than these."""
    for page in coupa.supplier_items_of_items([item_id]):
        for raw in page:
            if int(raw["id"]) not in taken_out:
                yield str((raw.get("supplier") or {}).get("number"))


def look_for_item(coupa: Coupa, payload: Json) -> Json | None:
    number = payload["body"].get("item-number") or payload.get("item_number")
    return next((raw for page in coupa.items([str(number)]) for raw in page), None)


def look_for_price(coupa: Coupa, payload: Json) -> Json | None:
    """The supplier item of the payload's id, or of its part number and contract."""
    body = payload["body"]
    contract = (body.get("contract") or {}).get("number")
    for page in coupa.supplier_items(payload["supplier"], [payload["asin"]]):
        for raw in page:
            if "id" in payload and int(raw["id"]) == int(payload["id"]):
                return raw
            if "id" not in payload and read_price_row(raw).contract == contract:
                return raw
    return None


def _facts(payload: Json, answer: Json | None = None) -> Json:
    """What the next comparison has to know: what Coupa will not tell again, and of an item what it was told, in the words in
    which it answered."""
    facts: Json = {
        name: payload[name] for name in ("asin", "supplier", "under", "hidden", "delivered") if name in payload
    }
    if answer is not None and "delivered" in payload:
        shown = read_item(answer).shown
        told = {name: shown[name] for name in payload["body"] if name in shown}
        fields = {**payload["delivered"]["fields"], **told}
        facts["delivered"] = {**payload["delivered"], "fields": fields}
    return facts


def _mark(raw: Mapping[str, Any], marker: str) -> str:
    return str((raw.get("custom-fields") or {}).get(marker) or "")


def actions(coupa: Coupa, *, rules: Rules, account: str, run: int) -> dict[str, Action]:
    """Every kind of write of the pipeline."""
    before, marker = Gate(coupa, rules, account), rules.catalog.writing.marker
    return {
        CREATE_ITEM: Create(coupa, CREATE_ITEM, look_for_item, marker, run, before),
        CREATE_PRICE: Create(coupa, CREATE_PRICE, look_for_price, marker, run, before),
        UPDATE_ITEM: Update(coupa, UPDATE_ITEM, look_for_item, marker, run, before),
        UPDATE_PRICE: Update(coupa, UPDATE_PRICE, look_for_price, marker, run, before),
        TELL: TellApprover(coupa, before),
    }
