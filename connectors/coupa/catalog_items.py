"""The Coupa calls about what may be bought at which price: contracts with their terms, items, supplier items.

Catalogs have no calls of their own; a supplier item names the one it is in.
"""

from collections.abc import Iterable

from connectors.checks import Given, checked
from connectors.coupa.catalog_bodies import ItemChanges, ItemPayload, SupplierItemChanges, SupplierItemPayload
from connectors.coupa.fields import APPROVAL, CODE, CUSTOM, NAME, USER, Fields
from connectors.coupa.reads import Pages
from connectors.coupa.writes import CoupaWrites
from connectors.http import Permit
from connectors.tally import Json

BOUNDS: Fields = [f"tier_{n}_upper_bound" for n in range(1, 21)]
CONTRACT_TERM: Fields = ["id", "name", "contract_term_type", "use_pct_discounts", *BOUNDS]
CONTRACT: Fields = [
    "id", "number", "name", "status", "start_date", "end_date", "maximum_value", "max_commit", "preferred",
    "used_for_buying", "terminated", "external_contract_id", "stop_spend_based_on_max_value",
    {"supplier": ["id", "number", "name"]}, {"currency": CODE}, {"contract_owner": USER},
    {"contract_terms": CONTRACT_TERM}, CUSTOM,
]  # fmt: skip
ITEM: Fields = [
    "id", "item_number", "name", "description", "active", "manufacturer_name", "manufacturer_part_number",
    "updated_at", {"uom": CODE}, {"commodity": NAME}, CUSTOM,
]  # fmt: skip
CATALOG: Fields = ["id", "name", "status"]
TIER_PRICES: Fields = [f"price_tier_{n}" for n in range(1, 11)]
SUPPLIER_ITEM: Fields = [
    "id", "supplier_part_num", "supplier_aux_part_num", "price", "preferred", "minimum_order_quantity",
    "order_increment", "lead_time", "manufacturer", "updated_at", *TIER_PRICES,
    {"currency": CODE}, {"supplier": ["id", "number", "name"]},
    {"item": ["id", "item_number"]}, {"catalog": NAME}, {"contract_term": NAME},
    {"contract": ["id", "number", "name", "status", "start_date", "end_date"]}, CUSTOM,
]  # fmt: skip


WAITING_REQUISITION: Fields = [
    "id", "status", "req_title", {"current_approval": APPROVAL},
    {"requisition_lines": [
        "id", "line_num", "unit_price", "quantity", "description", "source_part_num", "supp_aux_part_num",
        {"currency": CODE}, {"supplier": ["id", "number", "name"]},
    ]},
]  # fmt: skip


class CatalogItems(CoupaWrites):
    def waiting_requisitions(self) -> Pages:
        """Requisitions that wait for an approval, with their lines and the approval that is due."""
        return self._every("list_requisitions", WAITING_REQUISITION, query={"status": "pending_approval"})

    def contracts(self, suppliers: Iterable[str] = (), *, numbers: Iterable[str] = ()) -> Pages:
        """Contracts with their pricing terms, whatever their status: of these suppliers (by number), then by number."""
        yield from self._among("list_contracts", "supplier[number]", suppliers, CONTRACT)
        yield from self._among("list_contracts", "number", numbers, CONTRACT, unique=True)

    def published_contracts(self) -> Pages:
        """Every published contract, whoever the supplier is; its start and end bound its use."""
        return self._every("list_contracts", CONTRACT, query={"status": "published"})

    def supplier_items(self, supplier: str, part_numbers: Iterable[str] | None = None) -> Pages:
        """Supplier items of a supplier (by number), under every contract and under none; all, or these part numbers."""
        query = {"supplier[number]": supplier}
        if part_numbers is None:
            return self._every("list_supplier_items", SUPPLIER_ITEM, query=query)
        return self._among("list_supplier_items", "supplier_part_num", part_numbers, SUPPLIER_ITEM, query=query)

    def catalog(self, supplier: str, name: str) -> Json | None:
        """A catalog of the supplier's, as the first supplier item in it shows it; None where there is none to show it."""
        query = {"supplier[number]": supplier, "catalog[name]": name}
        pages = self._every("list_supplier_items", ["id", {"catalog": CATALOG}], query=query)
        return next((raw["catalog"] for page in pages for raw in page if raw.get("catalog")), None)

    def supplier_items_of_items(self, item_ids: Iterable[int]) -> Pages:
        """Every supplier item of the items (by Coupa's id), whoever the supplier is."""
        return self._among("list_supplier_items", "item[id]", item_ids, SUPPLIER_ITEM)

    def items(self, numbers: Iterable[str] = (), *, ids: Iterable[int] = ()) -> Pages:
        """Items by item number, then by Coupa's id; inactive ones too."""
        yield from self._among("list_items", "item_number", numbers, ITEM, unique=True)
        yield from self._among("list_items", "id", ids, ITEM, unique=True)

    def create_item(self, payload: ItemPayload | Given, permit: Permit) -> Json:
        body = checked(ItemPayload, payload, "create_item", permit)
        return self._write("create_item", permit, body, fields=ITEM)

    def update_item(self, id: int, payload: ItemChanges | Given, permit: Permit) -> Json:
        body = checked(ItemChanges, payload, "update_item", permit)
        return self._write("update_item", permit, body, fields=ITEM, id=id)

    def create_supplier_item(self, payload: SupplierItemPayload | Given, permit: Permit) -> Json:
        body = checked(SupplierItemPayload, payload, "create_supplier_item", permit)
        return self._write("create_supplier_item", permit, body, fields=SUPPLIER_ITEM)

    def update_supplier_item(self, id: int, payload: SupplierItemChanges | Given, permit: Permit) -> Json:
        body = checked(SupplierItemChanges, payload, "update_supplier_item", permit)
        return self._write("update_supplier_item", permit, body, fields=SUPPLIER_ITEM, id=id)
