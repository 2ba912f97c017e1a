"""Contracts, items, supplier items: what identifies them, what Coupa takes and never shows, who may call."""

import pytest

from sandbox.coupa import scopes

ITEM = {"item-number": "ITM-1", "name": "Pen", "description": "Blue pen", "manufacturer-name": "Acme"}
PRICE = {
    "item": {"item-number": "ITM-1"},
    "supplier": {"number": "AMZN-US"},
    "supplier-part-num": "B0PEN",
    "price": "9.50",
    "currency": {"code": "USD"},
}


@pytest.fixture
def made(company):
    def make(path, body):
        status, record = company.call("POST", path, body)
        assert status == 201, record
        return record

    return make


@pytest.fixture
def contract(made):
    body = {"number": "C-1", "name": "Amazon", "status": "published", "supplier": {"number": "AMZN-US"}}
    return made("/contracts", body)


def test_supplier_part_number_and_contract_name_a_supplier_item_once(company, made, contract, refused):
    made("/items", ITEM)
    made("/supplier_items", PRICE)
    under = made("/supplier_items", {**PRICE, "contract": {"number": "C-1"}})
    assert under["contract"]["number"] == "C-1"
    for again in (PRICE, {**PRICE, "contract": {"number": "C-1"}}):
        assert "Supplier part num has already been taken" in refused(company.call("POST", "/supplier_items", again))
    assert company.ids("/supplier_items", ("supplier[number]", "AMZN-US"), ("supplier_part_num[in]", "B0PEN")) == [1, 2]


@pytest.mark.parametrize(
    "change", [{"supplier-part-num": "B0OTHER"}, {"contract": {"number": "C-1"}}, {"supplier": {"number": "NORTH"}}]
)
def test_what_identifies_a_supplier_item_stays(company, made, contract, refused, change):
    made("/items", ITEM)
    made("/supplier_items", PRICE)
    assert "cannot be changed" in refused(company.call("PUT", "/supplier_items/1", {**change, "price": "1.00"}))
    assert company.call("GET", "/supplier_items/1")[1]["price"] == "9.50"


def test_a_price_moves_and_coupa_says_by_how_much(company, made):
    made("/items", ITEM)
    made("/supplier_items", PRICE)
    status, changed = company.call("PUT", "/supplier_items/1", {"price": "9.00"})
    assert (status, changed["price"], changed["price-change"]) == (200, "9.00", "-0.50")


@pytest.mark.parametrize("switched_on", [False, True])
def test_a_catalog_shows_its_status_only_where_that_is_switched_on(company, made, switched_on):
    made("/items", ITEM)
    company.state.instance.table("catalogs").add({"id": 1, "name": "AB", "status": "draft"})
    company.state.instance.switches["show_catalog_status"] = switched_on
    made("/supplier_items", {**PRICE, "catalog": {"name": "AB"}})
    shown = company.call("GET", "/supplier_items/1")[1]["catalog"]
    assert (shown["name"], shown.get("status")) == ("AB", "draft" if switched_on else None)
    assert ("status" in shown) is switched_on and not {"start-date", "end-date"} & shown.keys()


def test_availability_and_image_are_taken_and_never_shown(company, made):
    item = made("/items", {**ITEM, "image-url": "https://example.com/pen.jpg"})
    price = made("/supplier_items", {**PRICE, "availability": "out_of_stock"})
    assert "image-url" not in item and "availability" not in price
    assert company.state.instance.get("supplier_items", 1)["availability"] == "out_of_stock"


def test_availability_is_one_of_coupas_words(company, made, refused):
    made("/items", ITEM)
    assert "is not included" in refused(company.call("POST", "/supplier_items", {**PRICE, "availability": "gone"}))


def test_catalogs_have_no_calls_of_their_own(company):
    with pytest.raises(AssertionError, match="no call GET /catalogs"):
        company.call("GET", "/catalogs")


@pytest.mark.parametrize(("to", "status"), [("inactive", 200), ("draft", 400)])
def test_a_published_contract_never_goes_back_to_draft(company, contract, to, status):
    assert company.call("PUT", f"/contracts/{contract['id']}", {"status": to})[0] == status


def test_a_term_belongs_to_its_contract(company, made, contract, refused):
    term = made("/contracts/1/contract_terms", {"name": "Volume", "tier-1-upper-bound": "9"})
    other = made("/contracts", {"number": "C-2", "name": "Other", "supplier": {"number": "AMZN-US"}})
    made("/items", ITEM)
    under = {**PRICE, "contract": {"number": "C-1"}, "contract-term": {"id": term["id"]}, "price-tier-1": "9.5"}
    assert made("/supplier_items", under)["price-tier-1"] == "9.50"
    strange = {**under, "contract": {"number": other["number"]}}
    assert "is not a term of the contract" in refused(company.call("POST", "/supplier_items", strange))
    assert [one["name"] for one in company.call("GET", "/contracts/1")[1]["contract-terms"]] == ["Volume"]


def test_items_open_to_either_of_two_scopes_and_contracts_to_their_own():
    assert scopes.needed("items", writes=True) == ("core.item.write", "core.catalog.write")
    assert scopes.needed("supplier_items", writes=False) == ("core.catalog.read",)
    assert scopes.needed("contracts", writes=True) == ("core.contract.write",)
