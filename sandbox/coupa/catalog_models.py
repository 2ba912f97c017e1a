"""The columns of contracts, their pricing terms, items, supplier items and catalogs, named as in Coupa's published models.

Catalogs have no resource of their own: one appears only on the supplier items that it owns. `availability` and
`image-url` are taken in and never shown. Of what the models call required, only the business keys are asked for here:
weights and packs matter to inventories alone, and the documentation's own examples leave them out.
"""

from sandbox.coupa.reference_data import AUTHORS, NAME, SHORT, STAMPS
from sandbox.coupa.schema import Amount, Column, Flag, Inline, Many, Moment, Ref, Resource, Text, Whole

TIERS = range(1, 21)
MONEY = Amount(scale=4)
UNIT_PRICE = Amount(scale=6)
UNITS = Amount(scale=6, shown=1, precision=30)
BOUND = Amount(scale=4, precision=30)
TERM_TYPES = ("PerOrderContractTerm", "TotalQtyContractTerm", "TotalAmtContractTerm", "PriceRangeContractTerm")
AVAILABILITIES = ("in_stock", "out_of_stock", "backordered")
PERIODS = ("days", "months", "years")

CATALOGS = Resource(
    "catalogs", "catalog", "Catalog",
    {**STAMPS, "name": NAME, "status": SHORT, "start-date": Moment(), "end-date": Moment(),
     "supplier": Ref(resource="suppliers")},
    keys=("name",), indexed=("name",), unique=(("name",),), defaults={"status": "accepted"},
)  # fmt: skip
_TERM_TIERS: dict[str, Column] = {
    f"tier-{n}-{word}": Amount(scale=4, precision=30, required=(n, word) == (1, "upper-bound"))
    for n in TIERS
    for word in ("upper-bound", "disc-pct")
}
CONTRACT_TERMS = Resource(
    "contract_terms", "contract_term", "Contract term",
    {**STAMPS, "name": NAME, "type": Text(size=255, output=True), "contract-term-type": Text(choices=TERM_TYPES),
     "use-pct-discounts": Flag(), **_TERM_TIERS},
    keys=("name",), indexed=("name",), parent="contracts", defaults={"use-pct-discounts": False},
)  # fmt: skip
CONTRACTS = Resource(
    "contracts", "contract", "Contract",
    {**STAMPS, **AUTHORS, "name": Text(size=100, required=True), "number": Text(size=50, required=True),
     "status": Text(size=50), "type": Text(output=True), "supplier": Ref(resource="suppliers", required=True),
     "currency": Ref(resource="currencies"), "start-date": Moment(), "end-date": Moment(), "execution-date": Moment(),
     "published-date": Moment(output=True), "description": Text(size=1024), "terms": Text(),
     "external-contract-id": SHORT, "legal-agreement-url": SHORT, "supplier-account": SHORT,
     "minimum-value": MONEY, "maximum-value": MONEY, "min-commit": MONEY, "max-commit": MONEY,
     "savings-pct": Amount(scale=2, precision=20), "stop-spend-based-on-max-value": Text(choices=("yes", "no")),
     "strict-invoicing-rules": Flag(), "used-for-buying": Flag(), "preferred": Flag(), "is-default": Flag(),
     "supplier-invoiceable": Flag(), "terminated": Flag(), "use-order-windows": Flag(), "version": Whole(),
     "term-type": Text(choices=("fixed", "auto_renew", "perpetual")), "no-of-renewals": Whole(),
     "renewal-length-unit": Text(choices=PERIODS), "renewal-length-value": Whole(),
     "contract-owner": Ref(resource="users"), "submitter": Ref(resource="users", output=True),
     "department": Ref(resource="departments"), "payment-term": Ref(resource="payment_terms"),
     "default-account": Ref(resource="accounts"), "content-groups": Inline(), "reason-insight-events": Inline(),
     "contract-terms": Many(resource="contract_terms")},
    kind="Contract", keys=("number", "name"), indexed=("number", "name", "supplier", "status"),
    unique=(("number",), ("name",)),
    defaults={"status": "draft", "type": "MasterContract", "version": 1, "used-for-buying": True, "terminated": False,
              "preferred": False, "is-default": False, "strict-invoicing-rules": False},
)  # fmt: skip
ITEMS = Resource(
    "items", "item", "Item",
    {**STAMPS, **AUTHORS, "name": NAME, "description": Text(required=True), "item-number": SHORT, "active": Flag(),
     "item-type": SHORT, "uom": Ref(resource="uoms"), "commodity": Ref(resource="commodities"),
     "manufacturer-name": NAME, "manufacturer-part-number": SHORT, "image-url": Text(), "net-weight": UNITS,
     "pack-qty": UNITS, "pack-weight": UNITS, "pack-uom": Ref(resource="uoms"),
     "storage-uom": Ref(resource="uoms"), "consumption-uom": Ref(resource="uoms"),
     "external-image-url": Text(output=True), "require-asset-tag": Flag(output=True),
     "allow-partial-quantity": Flag(output=True)},
    kind="Item", keys=("item-number", "name"), indexed=("item-number", "name"), unique=(("item-number",),),
    defaults={"active": True, "item-type": "Item"},
)  # fmt: skip
SUPPLIER_ITEMS = Resource(
    "supplier_items", "supplier_item", "Supplier item",
    {**STAMPS, **AUTHORS, "item": Ref(resource="items"), "supplier": Ref(resource="suppliers", required=True),
     "supplier-part-num": NAME, "supplier-aux-part-num": SHORT, "manufacturer": SHORT,
     "contract": Ref(resource="contracts"), "contract-term": Ref(resource="contract_terms"),
     "catalog": Ref(resource="catalogs"), "currency": Ref(resource="currencies"), "price": UNIT_PRICE,
     "price-change": Amount(scale=6, output=True), "savings-pct": Amount(scale=2, precision=8), "lead-time": Whole(),
     "minimum-order-quantity": UNITS, "order-increment": UNITS, "preferred": Flag(),
     "availability": Text(choices=AVAILABILITIES), "availability-date": Moment(),
     "is-coupa-advantage": Flag(output=True), "unspsc-code": Text(size=255, output=True),
     **{f"price-tier-{n}": UNIT_PRICE for n in TIERS}},
    kind="SupplierItem", keys=("supplier-part-num",),
    indexed=("supplier-part-num", "supplier", "item", "contract"),
    defaults={"preferred": False},
)  # fmt: skip
CATALOG_MODELS = (CATALOGS, CONTRACTS, CONTRACT_TERMS, ITEMS, SUPPLIER_ITEMS)
