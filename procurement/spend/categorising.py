"""A line of spend as segment and as Coupa counts it, by the rules of spend.yml. Pure: what surrounds the line is given.

Promises: the first rule that gives a value decides, also where nobody listed the value: what was mistyped is never replaced
by what a later rule says; a line lacks a required value only with a reason that names every rule that was tried; nothing
here changes an amount.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, get_args

from procurement.mapping.lookups import Lookup
from procurement.spend.spend_rules import (
    DIMENSIONS,
    UNSPSC_DIGITS,
    Count,
    PaidBy,
    PurchaseOrderWord,
    SpendFile,
    SpendRule,
    SpendWhen,
    unspsc_range,
)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Segment:
    """Where a line belongs. None: the file gives no value, and none is required."""

    legal_entity: str | None = None
    cost_center: str | None = None
    department: str | None = None
    gl_account: str | None = None
    commodity: str | None = None

    @property
    def values(self) -> tuple[str | None, ...]:
        return tuple(getattr(self, name) for name in DIMENSIONS)


@dataclass(frozen=True, slots=True)
class Categorised:
    segment: Segment
    missing: tuple[str, ...] = ()  # a sentence for each required dimension without value
    decided: Mapping[str, int] = field(
        default_factory=dict
    )  # the number of the rule that gave each dimension its value


@dataclass(frozen=True, slots=True)
class SpendRules:
    """spend.yml, ready for use; `lookups` are the tables that its rules name."""

    file: SpendFile
    lookups: Mapping[str, Lookup]

    def outside_rule(self, *, po: str, paid_by: str, invoiced: bool) -> int | None:
        """The number of the rule of `outside` that fits, from 1."""
        fits = (n for n, rule in enumerate(self.file.outside, 1) if rule.when.fits(po, paid_by, invoiced=invoiced))
        return next(fits, None)

    def count(self, *, po: str, paid_by: str, invoiced: bool) -> Count:
        """Whether the line is posted to a budget or counted by Coupa itself; `hold` where no rule fits."""
        number = self.outside_rule(po=po, paid_by=paid_by, invoiced=invoiced)
        return "hold" if number is None else self.file.outside[number - 1].count

    def may_post(self, paid_by: PaidBy) -> bool:
        """Whether what is paid so could ever go to a budget, whatever Coupa has of it."""
        asked = product(get_args(PurchaseOrderWord), (True, False))
        return any(self.count(po=po, paid_by=paid_by, invoiced=invoiced) == "budget" for po, invoiced in asked)

    def categorise(self, *, line: Json, transaction: Json, order: Json) -> Categorised:
        """The line's segment, dimension by dimension in the file's order."""
        found: dict[str, str] = {}
        decided: dict[str, int] = {}
        missing = []
        context = {"line": line, "transaction": transaction, "order": order, "dimension": found}
        for name, dimension in self.file.dimensions.items():
            tried, unknown = list[str](), False
            for number, rule in enumerate(dimension.rules, 1):
                value, why = self._value(rule, context)
                unknown = value is not None and bool(dimension.values) and value not in dimension.values
                if value is not None and not unknown:
                    found[name], decided[name] = value, number
                    break
                if unknown:
                    tried.append(f"rule {number}: {value!r} is none of the values of spend.yml{_order_of(line)}")
                    break
                tried.append(f"rule {number}: {why}")
            if name not in found and (dimension.required or unknown):
                missing.append(f"No {name.replace('_', ' ')}: {'; '.join(tried)}.")
        return Categorised(Segment(**found), tuple(missing), decided)

    def lacks_order(self, *, line: Json, transaction: Json) -> bool:
        """Whether a rule that reads the order would be asked for this line: earlier rules of its dimension give nothing."""
        if self.file.order_info == "never":
            return False
        context = {"line": line, "transaction": transaction, "order": {}, "dimension": {}}
        for dimension in self.file.dimensions.values():
            for rule in dimension.rules:
                if (rule.from_ or "").startswith("order."):
                    return True
                value, _ = self._value(rule, context)
                if value is not None:
                    break
        return False

    def _value(self, rule: SpendRule, context: Mapping[str, Json]) -> tuple[str | None, str]:
        """The rule's value, or why it has none."""
        unmet = _unmet(rule.when, context["line"], context["transaction"])
        if unmet is not None:
            return None, unmet
        if rule.is_ is not None:
            return rule.is_, ""
        read = read_path(rule.from_ or "", context)
        if read is None:
            return None, f"{rule.from_} is empty"
        if rule.table:
            return rule.table.get(read), f"its table has no {read!r}"
        if rule.lookup:
            return self.lookups[rule.lookup].find(read), f"{rule.lookup}.yml has no {read!r}"
        return read, ""


def _order_of(line: Json) -> str:
    order = read_path("line.orderId", {"line": line})
    return f" (order {order})" if order else ""


def read_path(path: str, context: Mapping[str, Json]) -> str | None:
    """The text at a dotted path, trimmed; None where there is none. Names may hold spaces, as Amazon's labels do."""
    found: Any = context
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    text = str(found).strip() if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return text or None


def _unmet(when: SpendWhen, line: Json, transaction: Json) -> str | None:
    """The first condition that does not hold, in words."""
    if when.unspsc and not in_ranges(line.get("unspsc"), when.unspsc):
        return f"UNSPSC {line.get('unspsc') or 'is empty'} is not in {', '.join(when.unspsc)}"
    buyer = transaction.get("buyer")
    texts = {
        "group": (when.group, transaction.get("purchasingCustomerGroupName")),
        "legal_entity": (when.legal_entity, transaction.get("legalEntityName")),
        "buyer": (when.buyer, buyer.get("email") if isinstance(buyer, Mapping) else None),
        "seller": (when.seller, line.get("merchantLegalName")),
        "marketplace": (when.marketplace, transaction.get("marketplaceId")),
    }
    for name, (wanted, given) in texts.items():
        if wanted and str(given or "").strip().casefold() not in {one.casefold() for one in wanted}:
            return f"{name.replace('_', ' ')} is {str(given)!r}" if given else f"{name.replace('_', ' ')} is empty"
    return None


def in_ranges(code: object, ranges: tuple[str, ...]) -> bool:
    """Whether a UNSPSC code stands in one of the ranges; a shorter code stands for its first commodity."""
    text = str(code or "").strip()
    if not text.isdecimal() or len(text) > UNSPSC_DIGITS:
        return False
    number = int(text.ljust(UNSPSC_DIGITS, "0"))
    return any(low <= number <= high for low, high in map(unspsc_range, ranges))
