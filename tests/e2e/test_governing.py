"""What governs, in real Airflow: catalog, budgets, suppliers and compliance, side by side."""

from collections.abc import Mapping

import pytest

from local.acts import Theatre
from local.stack import Running
from local.world import GOVERNING
from procurement.ledger import Ledger
from tests.e2e.conftest import control, mails

pytestmark = pytest.mark.e2e


def writes(running: Running) -> dict[str, int]:
    return dict(control(running.coupa_url, "calls")["writes"])


@pytest.fixture(scope="module")
def governed(running: Running, theatre: Theatre) -> Mapping[str, int]:
    """Coupa's writes by operation of one run of all four, side by side."""
    before = writes(running)
    theatre.follow({dag_id: theatre.start(dag_id) for dag_id in GOVERNING})
    return {
        name: count - before.get(name, 0) for name, count in writes(running).items() if count != before.get(name, 0)
    }


def test_each_accounts_for_every_document_it_read(running: Running, governed: Mapping[str, int]) -> None:
    with Ledger.opened(running.ledger_url) as ledger:
        accounts = {name: ledger.completeness.population(name) for name in GOVERNING}
    assert {name: account.complete for name, account in accounts.items()} == dict.fromkeys(GOVERNING, True)
    assert all(account.documents.seen for account in accounts.values()), accounts


def test_a_price_that_moved_is_in_coupas_catalog(running: Running, governed: Mapping[str, int]) -> None:
    assert governed["update_supplier_item"] >= 1
    assert mails(running, "Catalog of")


def test_a_new_seller_is_a_supplier_that_nobody_can_order_from_yet(
    running: Running, governed: Mapping[str, int]
) -> None:
    taken_on = control(running.coupa_url, "state?part=supplier_information")["supplier_information"]
    assert len(taken_on) == governed.get("create_supplier_information", 0)
    assert all(one["buyer-hold"] and one["hold-payment-indicator"] for one in taken_on)
