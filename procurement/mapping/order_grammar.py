"""The grammar of `mappings/coupa_requisitions_to_amazon_orders.yml`: from a Coupa purchase order to an Amazon order, and back.

The field rules are those of every mapping (`grammar.FieldRule`); only the documents differ. Quantity, price, unit and
currency are not mapped: they are what was approved, and the gate compares them.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from procurement.mapping.grammar import OUR_NAMES, FieldRule, split_path
from procurement.rule_model import RuleModel, Text

HEADER_ROOTS = ("po", "requisition", "account")
LINE_ROOTS = (*HEADER_ROOTS, "po_line", "requisition_line")
SHARE_ROOTS = (*LINE_ROOTS, "share")


class OrderFieldRule(FieldRule):
    """How one value of an Amazon order is found. `from_lines` and `must_equal` do not exist here: an order is never guessed together."""

    roots: ClassVar[tuple[str, ...]] = SHARE_ROOTS
    names: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "account": OUR_NAMES["account"],
        "share": ("account", "pct", "amount"),
    }

    @model_validator(mode="after")
    def _plain(self) -> Self:
        for name in ("from_lines", "must_equal", "zone_from"):
            if getattr(self, name):
                raise ValueError(f"{name} is not used in this mapping")
        return self


def _tuple(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


Target = Annotated[
    tuple[OrderFieldRule, ...],
    BeforeValidator(_tuple, json_schema_input_type=OrderFieldRule | list[OrderFieldRule]),
]


class ShipToRules(RuleModel):
    """Where it goes. `address_id` is our own name of the address: Amazon gives it back for reconciliation."""

    address_id: Target
    full_name: Target
    company_name: Target = ()
    phone_number: Target = ()
    address_line1: Target
    address_line2: Target = ()
    address_line3: Target = ()
    city: Target
    state_or_region: Target = ()
    postal_code: Target
    country_code: Target


class OrderHeaderRules(RuleModel):
    """Fields of the whole order."""

    region: Target
    buyer_email: Target
    requester_email: Target = ()
    buying_group: Target
    delivery_preference: Target = ()
    ship_to: ShipToRules
    auxiliary: dict[str, Target] = Field({}, max_length=30, description="Amazon's free fields, by name")


class SegmentRules(RuleModel):
    """One segment of the accounting, such as the cost center; Amazon shows it on its invoice."""

    id: Target
    name: Target = ()


class OrderLineRules(RuleModel):
    """Fields of each line, and of each share of its cost. `segments` by Amazon's type word, at most 15."""

    asin: Target
    offer_id: Target = ()
    seller: Target = ()
    pack_size: Target = ()
    region: Target = ()
    accounting_name: Target = ()
    segments: dict[str, SegmentRules] = Field({}, max_length=15)


class WriteBackHeader(RuleModel):
    """Coupa's custom fields of the PO, by name; a field that is left out is not written."""

    order_ids: Text | None = None
    status: Text | None = None
    promised: Text | None = None


class WriteBackLine(RuleModel):
    """Coupa's custom fields of a PO line, by name."""

    accepted: Text | None = None
    price: Text | None = None
    promised: Text | None = None


class WriteBack(RuleModel):
    """What goes back to the PO once Amazon has answered; each line's order ids always go to `supplier-order-number`."""

    ordered: Text = Field("Order Placed", description="the status word when everything is ordered")
    ordered_in_part: Text = Field("Partly Ordered", description="the status word when Amazon refused some of it")
    header: WriteBackHeader = Field(default_factory=WriteBackHeader)
    line: WriteBackLine = Field(default_factory=WriteBackLine)


class OrderExample(RuleModel):
    """A PO with its requisition and what must become of it; a test that runs with `make mappings-check`."""

    name: Text
    header: dict[str, Any]
    lines: list[dict[str, Any]] = Field(min_length=1)
    expect: dict[str, Any] = {}
    expect_problems: list[Text] = []


class OrderMappingFile(RuleModel):
    """The field mapping of orders."""

    document: Literal["amazon_order"]
    header: OrderHeaderRules
    line: OrderLineRules
    write_back: WriteBack
    examples: list[OrderExample] = Field(min_length=1)

    @model_validator(mode="after")
    def _sides(self) -> Self:
        """A rule sees only what is above it: the header no lines, a line no share of its cost."""
        for place, rules in targets(self):
            allowed = HEADER_ROOTS if place.startswith("header.") else LINE_ROOTS if _of_line(place) else SHARE_ROOTS
            for path in (path for rule in rules for path in rule.paths):
                if split_path(path)[0] not in allowed:
                    raise ValueError(f"{place}: {path!r} is not known here; a path begins with {', '.join(allowed)}")
        return self


def _of_line(place: str) -> bool:
    return place.startswith("line.") and not place.startswith(("line.segments.", "line.accounting_name"))


def targets(file: OrderMappingFile) -> Iterator[tuple[str, tuple[OrderFieldRule, ...]]]:
    """Every target that has rules, by its place in the file."""
    header, line = file.header, file.line
    for name in ("region", "buyer_email", "requester_email", "buying_group", "delivery_preference"):
        yield f"header.{name}", getattr(header, name)
    for name in ShipToRules.model_fields:
        yield f"header.ship_to.{name}", getattr(header.ship_to, name)
    for name, rules in header.auxiliary.items():
        yield f"header.auxiliary.{name}", rules
    for name in ("asin", "offer_id", "seller", "pack_size", "region", "accounting_name"):
        yield f"line.{name}", getattr(line, name)
    for kind, segment in line.segments.items():
        yield f"line.segments.{kind}.id", segment.id
        yield f"line.segments.{kind}.name", segment.name
