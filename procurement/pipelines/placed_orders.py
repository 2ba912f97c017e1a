"""What is known of open orders from ordering them ourselves, and what Amazon says of a promise that passed.

The orders pipeline keeps Amazon's verdict as the facts of each delivered `place_order` (`order_results.OrderOutcome.write`);
they are found by Amazon's order id. After that only the reports tell of an order, but none of them moves the promise of
units that have not shipped: for those `orderDetails` is asked, a call per externalId.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors.amazon_business.client import AmazonBusiness
from connectors.errors import UnexpectedResponse
from procurement.ledger import Ledger
from procurement.order_facts import OrderFacts, join_orders
from procurement.order_lines import order_lines
from procurement.order_results import Accepted, LineResult, OrderOutcome, read_facts, read_outcome
from procurement.pipelines.open_order_times import PUNCTUAL
from procurement.placed_facts import PlacedFacts, plain, promise_of, sorted_prices

ORDERS = "coupa_requisitions_to_amazon_orders"
PLACE = "place_order"
UNAVAILABLE = "quantity"  # the kind of a refusal for want of units
ASKED = "amazon_order_details"  # kind of open document: an externalId that is not asked for again before its moment
ASK_EVERY = timedelta(days=1)
EVER = timedelta(days=3660)

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Placements:
    """Of one reading at `now`. `most`: calls of orderDetails that it may make; `late_after`: so long after a promise passed
    it is overdue."""

    amazon: AmazonBusiness
    ledger: Ledger
    now: datetime
    most: int
    late_after: timedelta
    calls: int = 0
    answers: dict[str, OrderOutcome | None] = field(default_factory=dict)  # by externalId, as asked in this reading
    verdicts: dict[str, OrderOutcome] = field(default_factory=dict)
    rested: set[str] | None = None  # externalIds that were asked for within the day

    def join(self, orders: Mapping[str, OrderFacts]) -> dict[str, OrderFacts]:
        """With what Amazon accepted when we ordered; an order that was placed outside stays as it is."""
        joined = dict(orders)
        for row in self.ledger.deliveries.of_targets(ORDERS, PLACE, orders):
            outcome = self.verdicts[row.business_key] = read_facts(row.facts)
            for id in joined.keys() & set(outcome.order_ids):
                placed = read_placed(outcome, external_id=row.business_key, order_id=id)
                joined[id] = join_orders(joined[id], replace(joined[id], placed=placed))
        return joined

    def ask(self, orders: Mapping[str, OrderFacts]) -> dict[str, OrderFacts]:
        """Promises that moved, of orders with units that did not ship by theirs; then what is overdue by what is promised now."""
        wanted = {one for facts in orders.values() for one in late_placements(facts, self.now)}
        for external_id in sorted(wanted - self.answers.keys() - self._rested()):
            if self.calls >= self.most or not self.amazon.user_email.strip():
                break
            self.answers[external_id] = self._details(external_id)
        return {id: self._overdue(self._promised(facts)) for id, facts in orders.items()}

    def _rested(self) -> set[str]:
        if self.rested is None:
            documents = self.ledger.open_documents.due(ASKED, self.now + EVER)
            self.rested = {one.key for one in documents if one.next_read > self.now}
            self.ledger.open_documents.close(ASKED, {one.key for one in documents} - self.rested)
        return self.rested

    def _details(self, external_id: str) -> OrderOutcome | None:
        """None where Amazon's answer tells nothing: what was promised before still counts."""
        self.calls += 1
        try:
            result = self.amazon.order_details(external_id)
        except UnexpectedResponse as error:
            logger.warning("orderDetails of %s tells nothing: %s", external_id, error)
            result = None
        self.ledger.open_documents.watch(ASKED, {external_id: ("asked", self.now + ASK_EVERY - PUNCTUAL)})
        verdict = self.verdicts.get(external_id)
        if result is None or verdict is None:
            return None
        return read_outcome({line.asked.number: line.asked for line in verdict.lines}, result)

    def _promised(self, facts: OrderFacts) -> OrderFacts:
        for external_id in {one.external_id for one in facts.placed.values()}:
            outcome = self.answers.get(external_id)
            if outcome is not None:
                told = read_placed(outcome, external_id=external_id, order_id=facts.order_id)
                moved = {key: promise_of(one) for key, one in told.items() if key in facts.placed}
                facts = join_orders(facts, replace(facts, placed=moved))
        return facts

    def _overdue(self, facts: OrderFacts) -> OrderFacts:
        late = set(_unshipped(facts))
        placed = {
            key: replace(one, overdue=one.promise)
            if key in late and one.promise is not None and self.now > one.promise + self.late_after
            else one
            for key, one in facts.placed.items()
        }
        return replace(facts, placed=placed)


def late_placements(facts: OrderFacts, now: datetime) -> set[str]:
    """ExternalIds of what we ordered, whose promise has passed while units had not shipped."""
    waiting = [facts.placed[key] for key in _unshipped(facts)]
    return {one.external_id for one in waiting if one.promise is not None and now > one.promise}


def _unshipped(facts: OrderFacts) -> Iterable[str]:
    """Keys of what we ordered that has units to ship; none of an order that is over."""
    if facts.cancelled or facts.closed:
        return []
    return [one.key for line in order_lines(facts) if line.unshipped for one in line.placed]


def read_placed(outcome: OrderOutcome, *, external_id: str, order_id: str) -> dict[str, PlacedFacts]:
    """What Amazon order `order_id` took on of an order placed under `external_id`, by key."""
    placed = (_read_line(line, external_id, order_id) for line in outcome.lines)
    return {one.key: one for one in placed if one is not None}


def _read_line(line: LineResult, external_id: str, order_id: str) -> PlacedFacts | None:
    accepted = [one for one in line.accepted if one.order_id == order_id]
    if not accepted:
        return None
    first_order = next(one.order_id for one in line.accepted if one.order_id)
    short = sum(one.units for one in line.rejected if one.kind == UNAVAILABLE) if first_order == order_id else 0
    prices = [one.price for one in accepted if one.price is not None]
    promise = max(_promises(accepted), default=None)
    return PlacedFacts(
        external_id=external_id, number=line.asked.number, asin=line.asked.asin, asked=line.asked.units,
        units=sum(one.units for one in accepted), unavailable=short,
        unit_prices=sorted_prices(plain(price.amount) for price in prices), currency=prices[0].currency if prices else None,
        first_promise=promise, promise=promise,
    )  # fmt: skip


def _promises(accepted: Sequence[Accepted]) -> Iterator[datetime]:
    for one in accepted:
        moment = one.promised_until or one.promised_from
        if moment is not None:
            yield moment
