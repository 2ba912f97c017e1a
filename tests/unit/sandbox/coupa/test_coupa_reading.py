"""Reading from Coupa: filters, paging and order, `fields`, `return_object`, and types that trap a careless reader."""

import json

import pytest

from sandbox.seed import CoupaRecord


@pytest.fixture
def books(company):
    """Three invoices: A paid by hand of a clerk, B waiting, C a draft of the other supplier."""
    company.receive("2")
    company.submit("A", delivery_number="D-1", custom_fields={"amazon-order-id": "113-1", "checked": True})
    company.submit(
        "B", {"order-line-id": 1, "quantity": "1.5", "price": "99.995"}, custom_fields={"amazon_order_id": "113-2"}
    )
    company.call(
        "POST",
        "/invoices",
        {
            "invoice-number": "C",
            "invoice-date": "2026-05-10",
            "supplier": {"number": "NORTH"},
            "requested-by": {"login": "ap.lead"},
            "invoice-lines": [
                {
                    "order-line-id": 4,
                    "description": "Desk",
                    "quantity": "1",
                    "price": "250",
                    "account": {"code": "10-4100-6800"},
                }
            ],
        },
    )
    return company


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"invoice-number": "A"}, "A"),
        ({"invoice_number": "A"}, "A"),
        ({"invoice-number[eq]": "A"}, "A"),
        ({"invoice_number[in]": "A,C,nothing"}, "AC"),
        ({"invoice_number[not_in]": "A,C"}, "B"),
        ({"invoice_number[not_eq]": "A"}, "BC"),
        ({"supplier[number]": "AMZN-US", "invoice_number": "C"}, ""),
        ({"supplier[number]": "AMZN-US"}, "AB"),
        ({"supplier[name][contains]": "north"}, "C"),
        ({"supplier[name][starts_with]": "Amazon"}, "AB"),
        ({"supplier[name][ends_with]": "(US)"}, "AB"),
        ({"supplier_id": "2"}, "C"),
        ({"supplier[id][in]": "1,2"}, "ABC"),
        ({"supplier[primary_contact[email]]": "billing@example.com"}, "AB"),
        ({"status[in]": "approved,draft"}, "AC"),
        ({"id[gt]": "1", "id[lt_or_eq]": "2"}, "B"),
        ({"id[in]": "3,1"}, "AC"),
        ({"invoice_lines[order_line_id]": "4"}, "C"),
        ({"invoice-lines[order-line-id][in]": "1,4"}, "ABC"),
        ({"invoice_lines[account][code]": "10-4100-6800"}, "C"),
        ({"invoice_lines[quantity][gt]": "1.4", "invoice_lines[quantity][lt]": "1.6"}, "B"),
        ({"invoice_lines[po_number]": "PO-1"}, "AB"),
        ({"requested_by[login]": "jane.doe"}, "AB"),
        ({"gross_total[gt_or_eq]": "200"}, "AC"),
        ({"delivery_number[blank]": "false"}, "A"),
        ({"delivery_number[blank]": "true"}, "BC"),
        ({"exported": "false"}, "ABC"),
        ({"exported": "true"}, ""),
        ({"custom_fields[amazon-order-id]": "113-1"}, "A"),
        ({"custom_fields[amazon_order_id][in]": "113-1,113-2"}, "AB"),
        ({"custom-fields[checked]": "true"}, "A"),
        ({"invoice_date": "2026-05-10"}, "C"),
        ({"invoice_date[lt]": "2026-05-10T00:00:00-07:00"}, "AB"),
        ({"created_at[gt_or_eq]": "2026-05-11"}, "ABC"),
        ({"created_at[gt]": "2026-05-11T08:00:00+00:00"}, ""),
        ({"created_at[gt_or_eq]": "2026-05-11T01:00:00-07:00"}, "ABC"),
        ({"created_at[lt]": "2026-05-11"}, ""),
        ({"order_by": "invoice_number", "dir": "desc"}, "CBA"),
        ({"order_by": "gross-total"}, "BAC"),
        ({"limit": "2"}, "AB"),
        ({"limit": "2", "offset": "2"}, "C"),
        ({"offset": "9"}, ""),
    ],
)
def test_a_query_finds_exactly_the_records_that_meet_all_its_conditions(books, query, numbers):
    found = books.read("/invoices", *query.items(), fields=["invoice_number"])
    assert "".join(row["invoice-number"] for row in found) == numbers


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"supplier[colour]": "red"}, "supplier[colour]"),
        ({"invoice_lines[invoice_line][id]": "1"}, "invoice_lines[invoice_line][id]"),
        ({"created_at[contains]": "2026"}, "created_at[contains]"),
        ({"created_at[blank]": "true"}, "created_at[blank]"),
        ({"created_at[gt]": "yesterday"}, "yesterday"),
        ({"id": "one"}, "one"),
        ({"gross_total[gt]": "much"}, "much"),
        ({"limit": "many"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"order_by": "supplier"}, "supplier"),
        ({"order_by": "id", "dir": "up"}, "dir"),
        ({"fields": "id"}, "fields"),
        ({"fields": '{"id": 1}'}, "fields"),
    ],
)
def test_a_query_nobody_can_read_is_refused_with_its_bad_part(books, refused, query, named):
    assert named in refused(books.ask("GET", "/invoices", list(query.items())))


def test_a_page_holds_50_records_at_most_whatever_the_limit(company_with):
    start = company_with().clock.now()
    many = [CoupaRecord("commodities", {"name": f"C{n:03}"}, start) for n in range(120)]
    company = company_with(many)
    assert len(company.read("/commodities")) == 50
    assert len(company.read("/commodities", ("limit", "500"))) == 50
    pages = [company.ids("/commodities", ("offset", str(offset))) for offset in (0, 50, 100, 150)]
    assert [len(page) for page in pages] == [50, 50, 22, 0]
    assert sorted(number for page in pages for number in page) == list(range(1, 123))


def test_nothing_found_is_an_empty_list(company):
    assert company.call("GET", "/invoices", None, invoice_number="none") == (200, [])


def test_a_record_that_is_not_there_is_a_404_in_a_sentence(company, refused):
    assert refused(company.call("GET", "/suppliers/99"), 404) == "Could not find Supplier with id 99"


def test_users_are_filtered_by_status_though_the_field_is_active(company):
    assert "cfo" not in [user["login"] for user in company.read("/users", ("status", "active"), fields=["login"])]
    assert [user["login"] for user in company.read("/users", ("status", "inactive"), fields=["login"])] == ["cfo"]


def test_order_lines_can_be_read_by_order_number_and_id(company):
    assert company.ids("/purchase_order_lines", ("order_header_number[in]", "PO-1,PO-9")) == [1, 2, 3]
    assert company.ids("/purchase_order_lines", ("order_header[po_number]", "PO-2")) == [4]
    assert company.ids("/purchase_order_lines", ("order_header_id", "2")) == [4]
    assert company.ids("/purchase_orders", ("order_lines[source_part_num]", "B0EXAMPLE1")) == [1]
    assert company.ids("/purchase_orders", ("requisition_header[id]", "1")) == [1]


def test_fields_cut_a_record_to_what_was_asked_at_any_depth(books):
    wanted = [
        "id",
        "invoice_number",
        {"invoice_lines": ["line_num", {"account": ["code"]}]},
        {"supplier": ["number"]},
        {"custom_fields": {}},
        "unknown",
    ]
    assert books.read("/invoices/1", fields=wanted) == {
        "id": 1,
        "invoice-number": "A",
        "invoice-lines": [{"line-num": 1, "account": {"code": "10-4100-6100"}}],
        "supplier": {"number": "AMZN-US"},
        "custom-fields": {"amazon-order-id": "113-1", "checked": True},
    }
    assert books.read("/invoices/1", fields=[{"custom_fields": ["checked"]}]) == {"custom-fields": {"checked": True}}


def test_fields_work_on_writes_too(company):
    wanted = json.dumps(["id", "status"])
    assert company.ask("POST", "/invoices", [("fields", wanted)], company.body("A")) == (
        201,
        {"id": 1, "status": "draft"},
    )
    assert company.ask("PUT", "/invoices/1/submit", [("fields", wanted)]) == (
        200,
        {"id": 1, "status": "pending_receipt"},
    )


def test_a_bad_fields_list_stops_a_write_before_it_happens(company, refused):
    refused(company.ask("POST", "/invoices", [("fields", "[")], company.body("A")))
    assert company.ids("/invoices") == []


def test_return_object_says_how_much_of_a_record_comes_back(company):
    assert company.ask("POST", "/invoices", [("return_object", "none")], company.body("A")) == (201, None)
    assert company.ask("GET", "/invoices/1", [("return_object", "limited")]) == (200, {"id": 1})
    status, shallow = company.ask("GET", "/invoices/1", [("return_object", "shallow")])
    assert (status, shallow["supplier"]) == (200, {"id": 1, "number": "AMZN-US", "name": "Amazon Business (US)"})
    assert shallow["invoice-lines"] == [{"id": 1}]
    assert company.ask("GET", "/invoices/1", [("return_object", "none")])[1]["id"] == 1


def test_the_types_of_json_are_coupas_own(books):
    invoice = books.read("/invoices/2")
    line = invoice["invoice-lines"][0]
    assert (line["quantity"], line["price"], line["total"]) == ("1.5", "99.995", "149.99")
    assert (invoice["id"], invoice["line-count"], invoice["paid"]) == (2, "1", False)
    assert invoice["ship-to-address"] is None
    assert invoice["payments"] == []
    assert invoice["invoice-date"] == "2026-05-08T00:00:00-07:00"
    assert invoice["created-at"] == "2026-05-11T01:00:00-07:00"
    assert not any("_" in key for key in invoice)
    assert "amazon_order_id" in invoice["custom-fields"]


def test_an_order_shows_its_requisition_with_the_requester(company):
    order = company.read("/purchase_orders/1")
    assert order["requisition-header"]["requested-by"]["login"] == "jane.doe"
    assert order["order-lines"][0]["requester"]["login"] == "jane.doe"
    assert company.read("/requisitions/1", fields=["req_title", {"requester": ["email"]}]) == {
        "req-title": "Printers",
        "requester": {"email": "jane.doe@example.com"},
    }


def test_what_is_not_a_reference_by_number_may_be_one_by_several_keys(company):
    reference = {"code": "10-4100-6100", "account-type": {"name": "US Chart"}}
    line = {"quantity": "1", "price": "1", "account": reference}
    assert company.invoice("A", line)["invoice-lines"][0]["account"]["id"] == 1
    segments = {"segment-1": "10", "segment-3": "6800", "account-type": {"name": "US Chart"}}
    assert company.invoice("B", {**line, "account": segments})["invoice-lines"][0]["account"]["id"] == 2
