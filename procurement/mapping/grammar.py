"""The closed grammar of a field mapping: what may stand in `mappings/<pipeline>.yml`.

A target takes one rule, or a list of rules of which the first that yields a value counts. A rule says where the value
comes from and what is done to it; there are no expressions. `mappings/README.md` explains it to its users.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from procurement.mapping.converters import CONVERTERS
from procurement.mapping.reading import nearest
from procurement.rule_model import Document, Flag, RuleModel, Text, Texts

HEADER_ROOTS = ("transaction", "invoice", "po", "account", "converted", "original")
LINE_ROOTS = (*HEADER_ROOTS, "line", "po_line")
OUR_NAMES = {  # what the pipeline itself puts into the context; the rest is the vendors' and may grow
    "invoice": ("invoiceNumber", "invoiceDate", "invoiceType", "totalAmount"),
    "account": (
        "name",
        "region",
        "marketplace",
        "supplier",
        "chart_of_accounts",
        "legal_entity",
        "business_group",
        "requester_email",
        "ordering",
    ),
    "converted": ("currency",),
    "original": ("number", "date", "account", "commodity"),
}
ConverterName = Literal[
    "trimmed", "upper", "lower", "single_line", "digits", "truncate", "decimal", "whole_number", "percent", "money", "date",
    "marketplace_date", "is_refund",
]  # fmt: skip


def split_path(path: str) -> tuple[str, ...]:
    """The steps of a dotted path; `\\.` is a dot within a name."""
    return tuple(step.replace("\0", ".") for step in path.replace("\\.", "\0").split("."))


def _check_paths(
    paths: tuple[str, ...], roots: tuple[str, ...], names: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    for path in paths:
        root, *rest = split_path(path)
        if root not in roots:
            raise ValueError(f"{path!r} starts with {root!r}{nearest(root, roots)}")
        if not rest or not all(rest):
            raise ValueError(f"{path!r} is no path; write {root}.<field>")
        if root in names and rest[0] not in names[root]:
            raise ValueError(f"{path!r}: {root} has no {rest[0]!r}{nearest(rest[0], names[root])}")
    return paths


def _tuple(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


class FieldRule(RuleModel):
    """How one value is found. Exactly one of `from`, `from_lines`, `from_all`; none where `default` is a constant."""

    roots: ClassVar[tuple[str, ...]] = LINE_ROOTS  # the documents that a path may begin with
    names: ClassVar[Mapping[str, tuple[str, ...]]] = OUR_NAMES

    from_: Texts = Field(
        (), alias="from", description="where the value stands; of several paths the first filled one counts"
    )
    from_lines: Texts = Field(
        (), description="a path within each line, for a header field: all lines must agree, else the invoice is held"
    )
    from_all: tuple[Texts, ...] = Field(
        (), description="several values joined with '/', the key of a lookup; all must be filled"
    )
    unless: Texts = Field((), description="the rule counts only where nothing stands at any of these places")
    convert: Annotated[tuple[ConverterName, ...], BeforeValidator(_tuple)] = Field(
        (), description="named conversions, in order"
    )
    lookup: Text | None = Field(None, description="the table in mappings/ whose answer replaces the value")
    max: int | None = Field(None, gt=0, description="most characters; more is an error unless `convert` has truncate")
    zone_from: Texts = Field((), description="where the marketplace id stands whose time zone decides the day")
    required: Flag = Field(False, description="without a value the document becomes a dead letter")
    default: Text | None = Field(None, description="the value where there is none")
    must_equal: Texts = Field(
        (), description="another place that must say the same where it is filled, else the invoice is held"
    )

    @field_validator("from_", "from_lines", "unless", "zone_from", "must_equal")
    @classmethod
    def _paths(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        return _check_paths(paths, cls.roots, cls.names)

    @field_validator("from_all")
    @classmethod
    def _all_paths(cls, parts: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        return tuple(_check_paths(paths, cls.roots, cls.names) for paths in parts)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        sources = [name for name, value in self.sources.items() if value]
        if len(sources) > 1:
            raise ValueError(f"{' and '.join(sources)} exclude each other")
        if not sources and self.default is None:
            raise ValueError("says neither where the value comes from (from) nor what it is (default)")
        for name in self.convert:
            need = CONVERTERS[name].needs
            if need and not getattr(self, need):
                raise ValueError(f"convert: {name} needs {need!r} beside it")
        if self.zone_from and "marketplace_date" not in self.convert:
            raise ValueError("zone_from is only used by convert: marketplace_date")
        return self

    @property
    def sources(self) -> dict[str, tuple[Any, ...]]:
        return {"from": self.from_, "from_lines": self.from_lines, "from_all": self.from_all}

    @property
    def from_paths(self) -> tuple[str, ...]:
        """Where the value may come from."""
        return (*self.from_, *self.from_lines, *(path for part in self.from_all for path in part))

    @property
    def paths(self) -> tuple[str, ...]:
        return (*self.from_paths, *self.unless, *self.zone_from, *self.must_equal)


Target = Annotated[tuple[FieldRule, ...], BeforeValidator(_tuple, json_schema_input_type=FieldRule | list[FieldRule])]
CustomFields = dict[str, Target]


class HeaderRules(RuleModel):
    """Fields of the invoice's header."""

    number: Target
    date: Target
    supplier: Target
    currency: Target
    supplier_total: Target
    chart_of_accounts: Target = ()
    payment_term: Target = ()
    bill_to: Target = ()
    remit_to: Target = ()
    original_number: Target = ()
    original_date: Target = ()
    requester_email: Target = ()
    custom_fields: CustomFields = {}


class LineRules(RuleModel):
    """Fields of each invoice line, and the amounts that `charges.yml` turns into lines, charges and taxes."""

    is_refund: Target
    po_number: Target
    po_line_number: Target
    po_line_id: Target
    description: Target
    quantity: Target = ()
    principal: Target
    total: Target
    unit_price: Target = ()
    shipping: Target = ()
    gift_wrap: Target = ()
    regulatory_fee: Target = ()
    discount: Target = ()
    tax: Target = ()
    tax_rate: Target = ()
    shipping_tax_rate: Target = ()
    gift_wrap_tax_rate: Target = ()
    tax_exemption: Target = ()
    marketplace: Target = ()
    part_number: Target = ()
    unit_of_measure: Target = ()
    billed_unit: Target = ()
    commodity: Target = ()
    cost_center: Target = ()
    account: Target = ()
    match_reference: Target = ()
    custom_fields: CustomFields = {}


class MappingExample(RuleModel):
    """A document and what must become of it; a test that runs with `make mappings-check`."""

    name: Text
    header: dict[str, Any]
    lines: list[dict[str, Any]] = Field(min_length=1)
    expect: dict[str, Any] = {}
    expect_problems: list[Text] = []
    expect_held: list[Text] = []


class MappingFile(RuleModel):
    """One field mapping."""

    document: Literal["invoice"]
    header: HeaderRules
    line: LineRules
    examples: list[MappingExample] = Field(min_length=1)

    @model_validator(mode="after")
    def _sides(self) -> Self:
        """Header rules see no single line, and line rules no other lines."""
        for name, rules in targets(self.header):
            for rule in rules:
                inside = [
                    path
                    for path in rule.paths
                    if split_path(path)[0] in ("line", "po_line") and path not in rule.from_lines
                ]
                if inside:
                    raise ValueError(f"header.{name}: {inside[0]!r} belongs to a line; use from_lines")
        for name, rules in targets(self.line):
            if any(rule.from_lines for rule in rules):
                raise ValueError(f"line.{name}: from_lines is for header fields; use from")
        return self


def targets(rules: HeaderRules | LineRules) -> list[tuple[str, tuple[FieldRule, ...]]]:
    """Every target of one side that has rules, custom fields as `custom_fields.<name>`."""
    found = [(name, getattr(rules, name)) for name in type(rules).model_fields if name != "custom_fields"]
    found += [(f"custom_fields.{name}", rule) for name, rule in rules.custom_fields.items()]
    return [(name, rule) for name, rule in found if rule]


__all__ = [
    "Document",
    "FieldRule",
    "HeaderRules",
    "LineRules",
    "MappingExample",
    "MappingFile",
    "split_path",
    "targets",
]
