"""`make bench [ONLY=name]`: the figures, as JSON in var/bench/ and as a table. Never part of the tests."""

import sys

from bench import (
    catalog_calls,
    catalog_comparing,
    compliance_rules,
    dag_parse,
    invoice_calls,
    invoice_planning,
    matching,
    open_orders,
    order_calls,
    spend_aggregation,
    spend_calls,
    suppliers,
)
from bench.figures import table

BENCHMARKS = {
    "catalog_calls": catalog_calls.measure,
    "catalog_comparing": catalog_comparing.measure,
    "compliance_rules": compliance_rules.measure,
    "invoice_calls": invoice_calls.measure,
    "invoice_planning": invoice_planning.measure,
    "matching": matching.measure,
    "order_calls": order_calls.measure,
    "open_orders": open_orders.measure,
    "dag_parse": dag_parse.measure,
    "spend_aggregation": spend_aggregation.measure,
    "spend_calls": spend_calls.measure,
    "suppliers": suppliers.measure,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    results = []
    for name in names or BENCHMARKS:
        result = BENCHMARKS[name]()
        result.write()
        results.append(result)
        print(table([result]), flush=True)
    missed = [figure.name for result in results for figure in result.figures if figure.reached is False]
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
