"""Orders through all compliance rules: from memory, with ledger and plan, and the calls of a run against the floor.

From memory: 20,000 orders of two lines, each with 20 other lines of its buyer and cost center, 500 contract articles with
three tiers. With the ledger: 5,000 orders staged, judged and planned; Coupa answers from memory. Calls: a quarter of some
290 orders against the sandbox, then a quiet quarter of an hour.
"""

import math
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from bench.clients import connect_amazon, connect_coupa
from bench.database import fresh_ledger
from bench.figures import Figure, Result
from bench.rules import live_rules
from bench.vendors import calls, count, forget_calls, sandbox_process
from procurement.clock import FixedClock
from procurement.compliance.contracts import read_agreements
from procurement.compliance.judging import judge
from procurement.compliance.purchases import Coding, Purchase, read_purchase
from procurement.compliance.recognition import recogniser
from procurement.compliance.surroundings import Bought, PoFacts, Surroundings
from procurement.ledger import Ledger
from procurement.ledger.types import Staged
from procurement.pipelines.purchase_compliance import PIPELINE, extract, open_run, screen, transform
from procurement.pipelines.purchase_compliance.names import PURCHASE
from procurement.pipelines.windows import RunRequest
from procurement.policies import Rules
from procurement.sellers.names import normalised

ORDERS, PLANNED, NEIGHBORS, ARTICLES, BUYERS, SELLERS = 20_000, 5_000, 20, 2_000, 400, 150
LEAST_RULES, LEAST_PLANNED = 3_000, 800
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
PAGE, LIST = 100, 50
Json = dict[str, Any]


def measure() -> Result:
    rules = live_rules("2026-01-01")
    raws = list(made_orders(ORDERS))
    figures = [*from_memory(raws, rules), *with_ledger(raws[:PLANNED], rules), *calls_of_runs()]
    return Result(
        "compliance_rules", figures, {"orders": ORDERS, "lines": 2, "neighbors": NEIGHBORS, "planned": PLANNED}
    )


def made_orders(number: int) -> Iterator[Json]:
    """Amazon's raw rows; some three in ten orders break a rule."""
    chance = random.Random(7)
    for n in range(number):
        moment = (NOW - timedelta(minutes=(number - n) * 6)).isoformat()
        metadata = {"orderId": f"112-{n:07}", "orderDate": moment, "region": "US"}
        buyer = chance.randrange(BUYERS)
        order = {
            "orderMetadata": metadata, "orderStatus": "CLOSED", "buyingCustomer": {"name": "B", "email": f"buyer{buyer}@example.com"},
            "businessOrderInfo": {"costCenter": str(4000 + buyer % 60)},
        }  # fmt: skip
        if n % 20:
            order["purchaseOrderNumber"] = f"PO-{n:07}"
        yield {"order": order, "lines": [_line(metadata, str(m), chance) for m in (1, 2)]}


def _line(metadata: Json, id: str, chance: random.Random) -> Json:
    article = chance.randrange(ARTICLES)
    seller = "Amazon.com" if article % 3 else f"Seller Number {article % SELLERS} LLC"
    return {
        "orderMetadata": metadata, "orderLineItemId": id, "quantity": chance.randrange(1, 12),
        "unitPrice": {"currencyCode": "USD", "amount": Decimal(article % 90 + 5) + Decimal("0.99")},
        "productDetails": {"asin": f"B0{article:08}", "title": f"Article {article}", "unspsc": {"code": f"44{article % 90 + 10}1500"}},
        "seller": {"name": seller, "primaryAddress": {"city": "Reno", "countryCode": "US"}},
    }  # fmt: skip


def agreed() -> tuple[list[Json], list[Json]]:
    """One contract with three tiers, and a quarter of the articles on it."""
    bounds = {f"tier-{n}-upper-bound": bound for n, bound in ((1, "9"), (2, "49"), (3, "9999"))}
    contract = {
        "number": "C-1", "status": "published", "currency": {"code": "USD"}, "supplier": {"number": "AMZN-US", "name": "Amazon Business"},
        "contract-terms": [{"id": 1, "contract-term-type": "PerOrderContractTerm", **bounds}], "maximum-value": "900000000",
    }  # fmt: skip
    items = []
    for article in range(0, ARTICLES, 4):
        price = Decimal(article % 90 + 5) + Decimal("0.99")
        tiers = {
            f"price-tier-{n}": str(price * share)
            for n, share in ((1, Decimal(1)), (2, Decimal("0.97")), (3, Decimal("0.9")))
        }
        items.append({
            "supplier-part-num": f"B0{article:08}", "price": str(price), "currency": {"code": "USD"}, "contract": {"number": "C-1"},
            "contract-term": {"id": 1}, **tiers,
        })  # fmt: skip
    return [contract], items


def from_memory(raws: Sequence[Json], rules: Rules) -> list[Figure]:
    """Reading Amazon's rows and asking every rule; CPU seconds, since the machine may be shared."""
    agreements = read_agreements(*agreed())
    recognise = recogniser(agreements, rules.compliance, NOW.date())
    lines = [line for raw in raws[:200] for line in bought(read_purchase(raw, Coding("US", "AMZN-US")))]
    started, found = time.process_time(), 0
    for n, raw in enumerate(raws):
        purchase = read_purchase(raw, Coding("US", "AMZN-US"))
        others = [replace_moment(one, purchase) for one in lines[n % 300 : n % 300 + NEIGHBORS]]
        at = Surroundings(
            agreements=agreements, recognise=recognise, po=PoFacts("PO", purchase.ordered_at), others=others
        )
        found += len(judge(purchase, at, rules.compliance, today=NOW.date()))
    rate = len(raws) / (time.process_time() - started)
    return [
        Figure("orders through all rules, a CPU second", rate, "orders/s", f">= {LEAST_RULES:,}", rate >= LEAST_RULES),
        Figure("violations an order", found / len(raws), "violations"),
    ]  # fmt: skip


def bought(purchase: Purchase) -> list[Bought]:
    return [
        Bought(
            order=purchase.key, ordered_at=purchase.ordered_at, buyer=purchase.buyer, cost_center=purchase.cost_center,
            seller=normalised(line.seller.name) if line.seller else "", commodity="", asin=line.asin, quantity=line.quantity,
            amount=line.amount, currency="USD",
        )
        for line in purchase.lines
    ]  # fmt: skip


def replace_moment(one: Bought, purchase: Purchase) -> Bought:
    """A neighbor of the day before, so that rules about several orders have to add up."""
    return replace(one, ordered_at=purchase.ordered_at - timedelta(days=1), buyer=purchase.buyer)


class MemoryCoupa:
    """Coupa's answers without HTTP: every PO is there since before its order."""

    instance = "bench"

    def published_contracts(self) -> Iterable[Sequence[Json]]:
        yield agreed()[0]

    def supplier_items(self, supplier: str, part_numbers: Iterable[str] | None = None) -> Iterable[Sequence[Json]]:
        wanted = set(part_numbers or ())
        yield [item for item in agreed()[1] if item["supplier-part-num"] in wanted]

    def purchase_orders(self, numbers: Iterable[str]) -> Iterable[Sequence[Json]]:
        yield [
            {
                "id": int(number[3:]) + 1,
                "po-number": number,
                "created-at": "2026-01-01T00:00:00+00:00",
                "requisition-header": {},
            }
            for number in numbers
        ]

    def approvals(self, type: str, ids: Iterable[int]) -> Iterable[Sequence[Json]]:
        return ()

    def users(self, logins: Iterable[str] = (), *, emails: Iterable[str] = ()) -> Iterable[Sequence[Json]]:
        yield [{"id": n, "email": email, "active": True} for n, email in enumerate(emails, 1)]


def with_ledger(raws: Sequence[Json], rules: Rules) -> list[Figure]:
    with fresh_ledger("bench_compliance") as ledger:
        request = RunRequest(dag_id=PIPELINE, run_id="bench")
        run = open_run(ledger, request, rules=rules, clock=FixedClock(NOW))
        started, used = time.perf_counter(), time.process_time()
        rows = [
            Staged(key=head["orderId"], raw=raw, dated_at=datetime.fromisoformat(head["orderDate"]))
            for raw in raws
            for head in [raw["order"]["orderMetadata"]]
        ]  # fmt: skip
        ledger.records.stage(run, "amazon_business/sandbox", PURCHASE, rows, evolving=True)
        amazon: Any = SimpleNamespace(account="sandbox")
        coupa: Any = MemoryCoupa()
        transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
        _check(ledger, len(raws))
    rate = len(raws) / seconds
    return [
        Figure("orders staged, judged and planned", rate, "orders/s"),
        Figure(
            "the same, a CPU second of ours",
            len(raws) / cpu,
            "orders/s",
            f">= {LEAST_PLANNED:,}",
            len(raws) / cpu >= LEAST_PLANNED,
        ),
    ]


def _check(ledger: Ledger, orders: int) -> None:
    booked = sum(row.orders for row in ledger.compliance.leakage())
    if booked < orders or not ledger.compliance.open():
        raise RuntimeError(f"{booked} of {orders} orders are in the books: the benchmark measured nothing")


def calls_of_runs() -> list[Figure]:
    now = datetime.now(UTC).replace(microsecond=0)
    with (
        sandbox_process(now, "quarter", speed=20.0) as (amazon_url, coupa_url),
        fresh_ledger("bench_compliance") as ledger,
    ):
        rules = live_rules(f"{now - timedelta(days=120):%Y-%m-%d}")
        amazon = connect_amazon(amazon_url, ledger.limiter, multiplier=20.0)
        coupa = connect_coupa(coupa_url, ledger.limiter, multiplier=20.0)
        list(amazon.payment_details(["0"])), list(coupa.currencies())
        time.sleep(1)
        counted = []
        for number, moment in enumerate((now, now + timedelta(minutes=15))):
            for url in (amazon_url, coupa_url):
                forget_calls(url)
            request = RunRequest(dag_id=PIPELINE, run_id=f"bench-{number}")
            run = open_run(ledger, request, rules=rules, clock=FixedClock(moment - timedelta(minutes=15)))
            extract(amazon, ledger, run=run, request=request, rules=rules)
            screen(coupa, ledger, run=run, rules=rules)
            transform(amazon, coupa, ledger, run=run, request=request, rules=rules)
            counted.append((calls(amazon_url), calls(coupa_url)))
        lines = [
            line
            for page in ledger.records.pages(PURCHASE, since=now - timedelta(days=366), size=1000)
            for one in page
            for line in one.raw["lines"]
        ]
        orders = len({line["orderMetadata"]["orderId"] for line in lines})
        (first_amazon, first_coupa), (quiet_amazon, quiet_coupa) = counted
    first, quiet = _reads(first_amazon, first_coupa), _reads(quiet_amazon, quiet_coupa)
    floor = math.ceil(orders / PAGE) + math.ceil(len(lines) / PAGE) + _coupa_floor(lines)
    return [
        Figure(f"calls of a first run over {orders} orders / floor", first / floor, "", "<= 1.2", first <= 1.2 * floor),
        Figure("calls of a quiet run", quiet, "calls", "2", quiet == 2),
    ]


def _coupa_floor(lines: Sequence[Json]) -> int:
    """Contracts and waiting requisitions once; POs, their approvals, and prices by fifties."""
    numbers = {line.get("purchaseOrderNumber") for line in lines} - {None}
    articles = {line["productDetails"]["asin"] for line in lines}
    return 2 + 2 * math.ceil(len(numbers) / LIST) + math.ceil(len(articles) / LIST)


def _reads(amazon: Json, coupa: Json) -> int:
    names = ("getOrderReports", "getOrderLineItemReports")
    reads = (
        "list_contracts",
        "list_supplier_items",
        "list_purchase_orders",
        "list_approvals",
        "list_requisitions",
        "list_users",
    )
    return sum(count(amazon, name) for name in names) + sum(count(coupa, name) for name in reads)
