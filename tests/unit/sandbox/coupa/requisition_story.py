"""A requisition of two lines, and the people above its requester: what several tests begin with."""

LINE = {
    "line-num": 1,
    "description": "Label printer",
    "source-part-num": "B0EXAMPLE1",
    "supp-aux-part-num": "OFFER-1",
    "quantity": "2",
    "unit-price": "89.50",
    "uom": {"code": "EA"},
    "currency": {"code": "USD"},
    "supplier": {"number": "AMZN-US"},
    "commodity": {"name": "Office Equipment"},
    "account": {"code": "10-4100-6100", "account-type": {"name": "US Chart"}},
    "need-by-date": "2026-05-20T00:00:00-07:00",
    "custom-fields": {"seller": "Acme"},
}
ANOTHER = {**LINE, "line-num": 2, "description": "Paper", "quantity": "10", "unit-price": "4.10"}


def body(*lines, **header):
    return {
        "req-title": "Printers for the lab",
        "requested-by": {"login": "jane.doe"},
        "ship-to-address": {"location-code": "HQ-1"},
        "justification": "The old one broke",
        "custom-fields": {"project": "P-7"},
        "requisition-lines": list(lines or (LINE,)),
        **{name.replace("_", "-"): value for name, value in header.items()},
    }


def line(**changes):
    return {**LINE, **{name.replace("_", "-"): value for name, value in changes.items()}}


def with_managers(company):
    """Jane's manager is Ann, Ann's manager Kim; two levels are asked."""
    company.call("PUT", "/users/1", {"manager": {"login": "ap.lead"}})
    company.call("PUT", "/users/2", {"manager": {"login": "cfo"}})
    company.state.event("settings", {"requisition-approval-levels": 2})
    return company


def submit(company, *lines, **header):
    status, made = company.call("POST", "/requisitions/submit_for_approval", body(*lines, **header))
    assert status == 201, made
    return made


def approvals(company, number, **query):
    named = {"approvable_type": "RequisitionHeader", "approvable_id[in]": str(number), **query}
    rows = company.read("/approvals", *named.items(), fields=["status", {"approver": ["login"]}])
    return [(row["approver"]["login"], row["status"]) for row in rows]


def current(company, number):
    return company.read(f"/requisitions/{number}")["current-approval"]


def orders_of(company, number):
    return company.read("/purchase_orders", ("requisition_header[id]", str(number)), ("order_by", "id"))
