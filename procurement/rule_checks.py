"""Names that point from one rule file into another: each check gives the mistakes with their places."""

from collections.abc import Callable

from procurement.catalog.rules import CatalogFile
from procurement.charge_rules import ChargeRules
from procurement.mapping.grammar import MappingFile, targets
from procurement.mapping.lookups import LookupFile
from procurement.mapping.order_grammar import OrderMappingFile
from procurement.mapping.order_grammar import targets as order_targets
from procurement.mapping.reading import nearest
from procurement.policy_files import (
    AccountFile,
    EntityFile,
    Policies,
)
from procurement.routing import RoutingFile
from procurement.rule_files import LOOKUPS, MAPPINGS, ORDERS, SUPPLIERS, RuleFiles
from procurement.sellers.rules import SuppliersFile
from procurement.spend.budget_rules import BudgetFile
from procurement.spend.checks import unknown_names
from procurement.spend.spend_rules import SpendFile
from procurement.taxes import TaxFile
from procurement.tolerances import ToleranceFile

DERIVED_LOOKUPS = ("bill_to", "remit_to", "marketplaces", "sold_in")


def _lookup_names(read: RuleFiles) -> list[str]:
    """A mapping names only tables that exist."""
    known = (*LOOKUPS, *DERIVED_LOOKUPS)
    return [
        read.sources[name].problem(
            (side, *target.split(".", 1), number, "lookup"), f"no table {rule.lookup!r}{nearest(rule.lookup, known)}"
        )
        for name in MAPPINGS
        for side, rules in (("header", read.of(name, MappingFile).header), ("line", read.of(name, MappingFile).line))
        for target, alternatives in targets(rules)
        for number, rule in enumerate(alternatives)
        if rule.lookup and rule.lookup not in known
    ]


def _order_lookup_names(read: RuleFiles) -> list[str]:
    """The order mapping names only tables that exist."""
    known = (*LOOKUPS, *DERIVED_LOOKUPS)
    return [
        read.sources[ORDERS].problem(
            (*place.split("."), "lookup"), f"no table {rule.lookup!r}{nearest(rule.lookup, known)}"
        )
        for place, rules in order_targets(read.of(ORDERS, OrderMappingFile))
        for rule in rules
        if rule.lookup and rule.lookup not in known
    ]


def _ordering_suppliers(read: RuleFiles) -> list[str]:
    """A supplier's orders go to one Amazon account: with two, nobody could tell where a PO belongs."""
    seen: dict[str, str] = {}
    problems = []
    for name, account in read.of("accounts", AccountFile).accounts.items():
        if account.ordering is None:
            continue
        if (other := seen.setdefault(account.supplier, name)) != name:
            sentence = f"orders of supplier {account.supplier!r} already go to account {other!r}"
            problems.append(read.sources["accounts"].problem(("accounts", name, "supplier"), sentence))
    return problems


def _asset_commodities(read: RuleFiles) -> list[str]:
    """A misspelt asset would be received by itself: every asset commodity is one of commodities.yml."""
    known = tuple(dict.fromkeys(read.of("commodities", LookupFile).values.values()))
    return [
        read.sources["policies"].problem(
            ("receipts", "asset_commodities"), f"commodities.yml has no commodity {name!r}{nearest(name, known)}"
        )
        for name in read.of("policies", Policies).receipts.asset_commodities
        if name not in known
    ]


def _owned_commodities(read: RuleFiles) -> list[str]:
    """An owner of a misspelt commodity would never be asked."""
    known = tuple(dict.fromkeys(read.of("commodities", LookupFile).values.values()))
    return [
        read.sources["catalog"].problem(
            ("owners", "commodities", name), f"commodities.yml has no commodity {name!r}{nearest(name, known)}"
        )
        for name in read.of("catalog", CatalogFile).owners.commodities
        if name not in known
    ]


def _routed_commodities(read: RuleFiles) -> list[str]:
    """A rule for a misspelt commodity would never be read."""
    known = tuple(dict.fromkeys(read.of("commodities", LookupFile).values.values()))
    return [
        read.sources["routing"].problem(
            ("rules", number, "when", "commodity"), f"commodities.yml has no commodity {name!r}{nearest(name, known)}"
        )
        for number, rule in enumerate(read.of("routing", RoutingFile).rules)
        for name in rule.when.commodity
        if name not in known
    ]


def _onboarding_commodities(read: RuleFiles) -> list[str]:
    """A rule for a misspelt commodity would take nobody on."""
    known = tuple(dict.fromkeys(read.of("commodities", LookupFile).values.values()))
    return [
        read.sources[SUPPLIERS].problem(
            ("onboarding", "rules", number, "commodities"),
            f"commodities.yml has no commodity {name!r}{nearest(name, known)}",
        )
        for number, rule in enumerate(read.of(SUPPLIERS, SuppliersFile).onboarding.rules)
        for name in rule.commodities
        if name not in known
    ]


def _routed_suppliers(read: RuleFiles) -> list[str]:
    """Routing names only suppliers that stand for an Amazon account."""
    known = tuple({account.supplier for account in read.of("accounts", AccountFile).accounts.values()})
    file = read.of("routing", RoutingFile)
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("disputable_suppliers",), name) for name in file.disputable_suppliers
    ]
    for number, rule in enumerate(file.rules):
        named += [(("rules", number, "when", "supplier"), name) for name in rule.when.supplier]
    return [
        read.sources["routing"].problem(place, f"accounts.yml has no supplier {name!r}{nearest(name, known)}")
        for place, name in named
        if name not in known
    ]


def _account_names(read: RuleFiles) -> list[str]:
    """A charge names only accounts that every chart has."""
    charges, problems = read.of("charges", ChargeRules), list[str]()
    for chart, entity in read.of("entities", EntityFile).charts.items():
        for place, name in charges.named_accounts():
            if name not in entity.accounts:
                sentence = f"chart {chart!r} in entities.yml has no account {name!r}{nearest(name, entity.accounts)}"
                problems.append(read.sources["charges"].problem(place, sentence))
    return problems


def _write_off_accounts(read: RuleFiles) -> list[str]:
    """What is written off goes to an account that every chart has."""
    charts, source = read.of("entities", EntityFile).charts, read.sources["tolerances"]
    return [
        source.problem((*scope, "write_off"), f"chart {chart!r} in entities.yml has no account {name!r}{nearest(name, entity.accounts)}")
        for scope, limits in read.of("tolerances", ToleranceFile).scopes()
        for name in sorted({entry.account for entry in limits.write_off})
        for chart, entity in charts.items()
        if name not in entity.accounts
    ]  # fmt: skip


def _tolerance_scopes(read: RuleFiles) -> list[str]:
    """A limit for a misspelt commodity, supplier or chart would never hold."""
    table, file = read.of("commodities", LookupFile), read.of("tolerances", ToleranceFile)
    suppliers = (account.supplier for account in read.of("accounts", AccountFile).accounts.values())
    known: dict[str, tuple[str, tuple[str, ...]]] = {
        "commodities": ("commodities.yml has no commodity", (*table.values.values(), *filter(None, [table.default]))),
        "suppliers": ("accounts.yml has no supplier", tuple(suppliers)),
        "charts": ("entities.yml has no chart", tuple(read.of("entities", EntityFile).charts)),
    }
    return [
        read.sources["tolerances"].problem((group, name), f"{sentence} {name!r}{nearest(name, names)}")
        for group, (sentence, names) in known.items()
        for name in getattr(file, group)
        if name not in names
    ]


def _account_charts(read: RuleFiles) -> list[str]:
    """An Amazon account names a chart and a marketplace that exist."""
    charts, countries = read.of("entities", EntityFile).charts, read.of("policies", Policies).countries
    problems = []
    for name, account in read.of("accounts", AccountFile).accounts.items():
        source = read.sources["accounts"]
        if account.chart_of_accounts not in charts:
            hint = nearest(account.chart_of_accounts, charts)
            problems.append(
                source.problem(
                    ("accounts", name, "chart_of_accounts"),
                    f"entities.yml has no chart {account.chart_of_accounts!r}{hint}",
                )
            )
        if account.marketplace not in countries:
            hint = nearest(account.marketplace, countries)
            problems.append(
                source.problem(
                    ("accounts", name, "marketplace"), f"policies.yml has no marketplace {account.marketplace!r}{hint}"
                )
            )
    return problems


def _spend_names(read: RuleFiles) -> list[str]:
    """spend.yml and budgets.yml name only tables and dimensions that exist."""
    found = unknown_names(read.of("spend", SpendFile), read.of("budgets", BudgetFile), (*LOOKUPS, *DERIVED_LOOKUPS))
    return [read.sources[name].problem(place, sentence) for name, place, sentence in found]


def _counted_once(read: RuleFiles) -> list[str]:
    """What becomes an invoice without a PO is spend in Coupa: it never goes to a budget line as well."""
    if read.of("policies", Policies).no_po != "coded_invoice":
        return []
    sentence = "policies.yml has no_po: coded_invoice, so Coupa counts the invoice: this must be wait, not budget"
    rules = read.of("spend", SpendFile).outside
    first = {
        next(
            (number for number, rule in enumerate(rules) if rule.when.fits("none", "invoice", invoiced=invoiced)), None
        )
        for invoiced in (True, False)
    }
    return [
        read.sources["spend"].problem(("outside", number, "count"), sentence)
        for number, rule in enumerate(rules)
        if number in first and rule.count == "budget"
    ]


def _tax_countries(read: RuleFiles) -> list[str]:
    """Every enabled marketplace has tax rules."""
    known = read.of("taxes", TaxFile).countries
    return [
        read.sources["policies"].problem(
            ("marketplaces_enabled",), f"taxes.yml has no rules for {country!r}{nearest(country, known)}"
        )
        for country in read.of("policies", Policies).marketplaces_enabled
        if country not in known
    ]


TOLERANCE_CHECKS: tuple[Callable[[RuleFiles], list[str]], ...] = (_write_off_accounts, _tolerance_scopes)
CROSS_CHECKS: tuple[Callable[[RuleFiles], list[str]], ...] = (
    _lookup_names,
    _order_lookup_names,
    _ordering_suppliers,
    _asset_commodities,
    _owned_commodities,
    _routed_commodities,
    _routed_suppliers,
    _onboarding_commodities,
    _account_names,
    _account_charts,
    *TOLERANCE_CHECKS,
    _spend_names,
    _counted_once,
    _tax_countries,
)
