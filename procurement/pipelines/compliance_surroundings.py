"""What purchases are held against: Coupa's contracts (once a run, prices 50 articles a call), their POs and approvals (50 a
call), and what the ledger's books say of other purchases."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from connectors.amazon_business.products import Product
from procurement.compliance.checks import excesses, over_contract
from procurement.compliance.contracts import Agreements, read_agreements
from procurement.compliance.documents import Frame, cost_center_of, cost_centers_of, logins_of, with_codes
from procurement.compliance.purchases import Purchase
from procurement.compliance.recognition import read_supplier, recogniser
from procurement.compliance.surroundings import Bought, Limit, PoFacts, Surroundings, Taken
from procurement.compliance.terms import Frozen, Terms
from procurement.ledger import Ledger
from procurement.ledger.compliance import PurchasedLine
from procurement.policies import Rules
from procurement.sellers.identity import Party, Recognition

Json = dict[str, Any]
Pages = Iterable[Sequence[Json]]
REQUISITION_HEADER = "RequisitionHeader"
APPROVED = "approved"


class Market(Protocol):
    """The part of the Amazon Business client that knows articles."""

    def products(self, asins: Iterable[str]) -> Iterable[Product]: ...


class Agreed(Protocol):
    """The part of the Coupa client that knows contracts."""

    def every_supplier(self) -> Pages: ...
    def published_contracts(self) -> Pages: ...
    def supplier_items(self, supplier: str, part_numbers: Iterable[str] | None = None) -> Pages: ...


class CoupaReads(Agreed, Protocol):
    """The part of the Coupa client that compliance reads."""

    def purchase_orders(self, numbers: Iterable[str]) -> Pages: ...
    def approvals(self, type: str, ids: Iterable[int]) -> Pages: ...
    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Pages: ...


@dataclass(frozen=True, slots=True)
class Order:
    """A PO as far as compliance needs it. `cost_centers`: all that it is coded to; `cost_center`: where that is one."""

    id: int
    facts: PoFacts
    requester_email: str
    cost_center: str
    cost_centers: frozenset[str] = frozenset()
    approved_by: frozenset[str] = frozenset()  # Coupa logins


def countries(rules: Rules) -> dict[str, str]:
    """Where is bought, by number of each Coupa supplier that stands for Amazon."""
    return {account.supplier: account.marketplace for account in rules.accounts.accounts.values()}


def frame_of(rules: Rules, at: datetime) -> Frame:
    """For Coupa's documents that are judged at this moment."""
    zones = {account.supplier: ZoneInfo(rules.zone_of(name)) for name, account in rules.accounts.accounts.items()}
    return Frame(countries(rules), rules.compliance.reading.cost_center_segment, at, zones)


def moment_of(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def read_orders(coupa: CoupaReads, numbers: Iterable[str], *, rules: Rules) -> dict[str, Order]:
    """By PO number, with the last approval of their requisitions; unknown numbers are absent."""
    raws = [raw for page in coupa.purchase_orders(sorted(set(numbers))) for raw in page]
    requisitions = {
        int(raw["requisition-header"]["id"]) for raw in raws if (raw.get("requisition-header") or {}).get("id")
    }
    approved: dict[int, datetime] = {}
    approvers: dict[int, set[str]] = {}
    for page in coupa.approvals(REQUISITION_HEADER, sorted(requisitions)) if requisitions else ():
        for row in page:
            moment, document = moment_of(row.get("approval-date")), int(row["approvable-id"])
            if row.get("status") == APPROVED:
                approvers.setdefault(document, set()).update(logins_of(row))
                if moment is not None:
                    approved[document] = max(moment, approved.get(document, moment))
    return {str(raw["po-number"]): _order(raw, approved, approvers, rules) for raw in raws}


def _order(raw: Json, approved: Mapping[int, datetime], approvers: Mapping[int, Iterable[str]], rules: Rules) -> Order:
    segment = rules.compliance.reading.cost_center_segment
    supplier = str((raw.get("supplier") or {}).get("number") or "")
    requisition = raw.get("requisition-header") or {}
    requester = requisition.get("requested-by") or {}
    facts = PoFacts(
        str(raw["po-number"]),
        moment_of(raw.get("created-at")),
        approved.get(int(requisition.get("id") or 0)),
        str(raw.get("status")),
        other_supplier=supplier if supplier not in countries(rules) else "",
    )
    email = str(requester.get("email") or "").lower()
    centers = cost_centers_of(raw.get("order-lines") or (), segment)
    who = frozenset(approvers.get(int(requisition.get("id") or 0), ()))
    return Order(int(raw["id"]), facts, email, cost_center_of(raw, segment), centers, who)


def facts_of(purchase: Purchase, orders: Mapping[str, Order]) -> PoFacts | None:
    order = orders.get(purchase.po_number or "")
    return order.facts if order is not None else None


class Contracts:
    """Coupa's published contracts, read once a run, and the supplier items of the articles that are asked for, each once."""

    def __init__(self, coupa: Agreed, rules: Rules) -> None:
        self._coupa, self._rules = coupa, rules
        self._lock = Lock()  # gates of several workers share one
        self._contracts: list[Json] | None = None
        self._items: dict[str, list[Json]] = {}
        self._active: list[Party] | None = None
        self._recognisers: dict[tuple[str, ...], Callable[[Party], Recognition]] = {}

    def agreements(self, asins: Iterable[str]) -> Agreements:
        """With the prices of all articles asked for so far; reads those that are new, 50 a call and supplier."""
        with self._lock:
            return self._read(asins)

    def _read(self, asins: Iterable[str]) -> Agreements:
        if self._contracts is None:
            self._contracts = [raw for page in self._coupa.published_contracts() for raw in page]
        new = sorted({asin for asin in asins if asin and asin not in self._items})
        found: dict[str, list[Json]] = {asin: [] for asin in new}
        for supplier in sorted({account.supplier for account in self._rules.accounts.accounts.values()}) if new else ():
            for page in self._coupa.supplier_items(supplier, new):
                for raw in page:
                    found.setdefault(str(raw.get("supplier-part-num")), []).append(raw)
        self._items |= found  # only once all was read: an outage in between leaves nothing that looks like no price
        return read_agreements(self._contracts, (raw for some in self._items.values() for raw in some))

    def recogniser(self, agreements: Agreements, day: date) -> Callable[[Party], Recognition]:
        """By the contracts that are valid on the day: most days share one."""
        valid = tuple(contract.number for contract in agreements.valid_on(day))
        if valid not in self._recognisers:
            self._recognisers[valid] = recogniser(agreements, self._rules.compliance, day, self._suppliers())
        return self._recognisers[valid]

    def _suppliers(self) -> list[Party]:
        """Coupa's active suppliers, read once, and only where compliance.yml lets them count."""
        if self._active is None:
            pages = self._coupa.every_supplier() if self._rules.compliance.active_suppliers_count else ()
            self._active = [party for page in pages for raw in page if (party := read_supplier(raw)) is not None]
        return self._active


class Articles:
    """UNSPSC codes of what is not ordered yet, as Amazon has them: each article read once, 30 a call, and only where a rule that
    is asked before the order looks at codes."""

    def __init__(self, amazon: Market, rules: Rules) -> None:
        self._amazon = amazon
        self._wanted = any(rule.before_order and (rule.unspsc or rule.when.unspsc) for rule in rules.compliance.rules)
        self._lock = Lock()  # gates of several workers share one
        self._codes: dict[str, str] = {}

    def coded(self, purchases: Iterable[Purchase]) -> list[Purchase]:
        found = list(purchases)
        if not self._wanted:
            return found
        with self._lock:
            asins = {line.asin for one in found for line in one.lines if line.asin}
            if new := sorted(asins - self._codes.keys()):
                read = {product.asin: product.unspsc or "" for product in self._amazon.products(new)}
                self._codes |= dict.fromkeys(new, "") | read  # only once all was read
            return [with_codes(one, self._codes) for one in found]


def contract_of(purchase: Purchase, asin: str, agreements: Agreements) -> str:
    """Under which contract an article of this purchase counts; empty: under none."""
    found = agreements.counted_under(asin, purchase.day, purchase.currency, purchase.units_of(asin))
    return found.contract if found is not None else ""


def _contracts_of(purchase: Purchase, asin: str, agreements: Agreements) -> list[str]:
    return [one.contract for one in agreements.offered(asin, purchase.day, purchase.currency)]


def terms_of(ledger: Ledger, contracts: Contracts, purchases: Sequence[Purchase], *, source: str) -> dict[str, Terms]:
    """By the purchase's key: those that were frozen when it was first judged, else Coupa's of today, which alone are asked for."""
    kept = {
        order: Frozen.of(lines)
        for order, lines in ledger.compliance.terms_of(source, [one.key for one in purchases if one.placed]).items()
    }
    none = Frozen({}, {})
    new = {asin for one in purchases for asin in kept.get(one.key, none).unknown(one)}
    agreements = contracts.agreements(new) if new else Agreements()
    found = {}
    for one in purchases:
        now = Terms(agreements, contracts.recogniser(agreements, one.day))
        frozen = kept.get(one.key)
        found[one.key] = frozen.thaw(now, contracts.recogniser(Agreements(), one.day)) if frozen is not None else now
    return found


def surround(
    ledger: Ledger,
    contracts: Contracts,
    purchases: Sequence[Purchase],
    orders: Mapping[str, Order],
    *,
    source: str,
    rules: Rules,
    terms: Mapping[str, Terms] | None = None,
    beside: Iterable[Bought] = (),
) -> dict[str, Surroundings]:
    """By the purchase's key. `terms` by the same; `beside`: lines of this batch, where the books do not have them (a dry run,
    the gate)."""
    if not purchases:
        return {}
    terms = terms if terms is not None else terms_of(ledger, contracts, purchases, source=source)
    nearby = _Nearby(ledger, purchases, beside, source=source, days=rules.compliance.reading.history_days)
    units, money = _before(ledger, purchases, terms, source=source, rules=rules)
    found = {
        one.key: Surroundings(
            agreements=terms[one.key].agreements, recognise=terms[one.key].recognise,
            po=facts_of(one, orders), others=nearby.of(one), units=units.get(one.key, {}), money=money.get(one.key, {}),
        )
        for one in purchases
    }  # fmt: skip
    return _with_taken(ledger, purchases, found, source=source, rules=rules)


def _with_taken(
    ledger: Ledger, purchases: Sequence[Purchase], found: dict[str, Surroundings], *, source: str, rules: Rules
) -> dict[str, Surroundings]:
    """Where an order breaks a limit over all orders: with all others that do. Most break none, and nothing is asked for."""
    limits: dict[str, set[Limit]] = {}
    for one in purchases:
        for rule in rules.compliance.rules if one.placed else ():
            if rule.kind == over_contract.__name__:
                limits.setdefault(one.key, set()).update(excess.limit for excess in excesses(rule, one, found[one.key]))
    currencies = {one.key: one.currency for one in purchases}
    asked = {(*limit, currencies[key]) for key, some in limits.items() for limit in some}
    taken = {
        limit: [Taken(*row) for row in rows] for limit, rows in ledger.compliance.taken_beyond(source, asked).items()
    }
    for key, some in limits.items():
        if some:
            found[key] = replace(found[key], taken={limit: taken.get(limit, []) for limit in some})
    return found


def _before(
    ledger: Ledger, purchases: Sequence[Purchase], terms: Mapping[str, Terms], *, source: str, rules: Rules
) -> tuple[dict[str, dict[tuple[str, str], Decimal]], dict[str, dict[str, Decimal]]]:
    """Units by (contract, ASIN) and money by contract bought before each purchase, by its key: under each contract that has a price."""
    bounded = _bounded(rules)
    wanted = {
        (contract, asin, one.ordered_at, one.key, own)
        for one in purchases
        for own in (
            "" if one.placed else one.po_number or "",
        )  # asked before: what Amazon has of it already stands in its lines
        for line in one.lines
        for contract in (
            _contracts_of(one, line.asin, terms[one.key].agreements) or ([""] if line.asin in bounded else [])
        )
        for asin in ((line.asin, "") if contract else (line.asin,))
    }
    units: dict[str, dict[tuple[str, str], Decimal]] = {}
    money: dict[str, dict[str, Decimal]] = {}
    for (contract, asin, key), (count, spent) in ledger.compliance.bought_before(source, sorted(wanted)).items():
        if asin:
            units.setdefault(key, {})[contract, asin] = count
        else:
            money.setdefault(key, {})[contract] = spent
    return units, money


class _Nearby:
    """Other purchases of the buyers and cost centers, sorted by moment, so that each purchase takes only its own days."""

    def __init__(
        self, ledger: Ledger, purchases: Sequence[Purchase], beside: Iterable[Bought], *, source: str, days: int
    ) -> None:
        self._reach = timedelta(days=days)
        rows = ledger.compliance.bought_by(
            source, buyers={one.buyer for one in purchases if one.buyer},
            cost_centers={center for one in purchases for center in _centers(one)},
            since=min(one.ordered_at for one in purchases) - self._reach, until=max(one.ordered_at for one in purchases),
        )  # fmt: skip
        every = sorted([*map(bought, rows), *beside], key=lambda one: (one.ordered_at, one.order))
        self._lines: dict[tuple[str, str], list[Bought]] = {}
        for one in every:
            self._lines.setdefault(("buyer", one.buyer), []).append(one)
            self._lines.setdefault(("cost_center", one.cost_center), []).append(one)

    def of(self, purchase: Purchase) -> list[Bought]:
        keys = [("buyer", purchase.buyer), *(("cost_center", center) for center in sorted(_centers(purchase)))]
        found: dict[int, Bought] = {}
        for key in keys:
            lines = self._lines.get(key, ())
            start = bisect_left(lines, purchase.ordered_at - self._reach, key=_moment)
            end = bisect_right(lines, purchase.ordered_at, key=_moment)
            found |= {id(one): one for one in lines[start:end] if one.order != purchase.key}
        return list(found.values())


def _moment(one: Bought) -> datetime:
    return one.ordered_at


def _bounded(rules: Rules) -> frozenset[str]:
    """Articles whose units compliance.yml itself bounds."""
    return frozenset(asin for rule in rules.compliance.rules for asin in rule.units)


def _centers(purchase: Purchase) -> set[str]:
    return {center for line in purchase.lines if (center := purchase.cost_center_of(line))}


def bought(row: PurchasedLine) -> Bought:
    return Bought(
        order=row.order_id, po_number=row.po_number, ordered_at=row.ordered_at,
        buyer=row.buyer, cost_center=row.cost_center, seller=row.seller_name,
        commodity=row.commodity, asin=row.asin, quantity=row.quantity, amount=row.amount, currency=row.currency,
    )  # fmt: skip
