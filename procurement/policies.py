"""The rules of the business as typed values: `read_rules(directory)` reads and checks everything in `mappings/`.

Promises: every mistake in every file is reported at once, with its place; names that point from one file into another
(accounts, lookups, marketplaces, charts) are checked; `Rules.version` changes when any file does, and is kept on every
delivery.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from procurement.catalog.rules import CatalogFile
from procurement.charge_rules import ChargeRules
from procurement.compliance.rules import ComplianceFile
from procurement.errors import MappingError
from procurement.mapping.compiled import Choices, CompiledMapping
from procurement.mapping.fields import Tables
from procurement.mapping.grammar import MappingFile, targets
from procurement.mapping.lookups import Lookup, LookupFile, UnitFile, build_lookup
from procurement.mapping.order_grammar import OrderMappingFile
from procurement.mapping.order_grammar import targets as order_targets
from procurement.mapping.order_mapping import CompiledOrderMapping
from procurement.mapping.reading import YamlFile, nearest, read_rules_file
from procurement.mapping.receipt_grammar import ReceiptMappingFile
from procurement.order_status_rules import OrderStatusFile, OrderStatusRules
from procurement.policy_files import (
    AccountFile,
    Accounts,
    Entities,
    EntityFile,
    Mode,
    Policies,
    Rollout,
    RolloutFile,
)
from procurement.reconciliation_rules import ReconciliationFile
from procurement.routing import RoutingFile, RoutingRules
from procurement.rule_model import RuleModel
from procurement.sellers.rules import SuppliersFile
from procurement.taxes import TaxFile, TaxRules
from procurement.tolerances import ToleranceFile, Tolerances
from procurement.units_of_measure import Conversions

MAPPINGS = ("amazon_invoices_to_coupa",)
ORDERS = "coupa_requisitions_to_amazon_orders"
RECEIPTS = "amazon_deliveries_to_coupa_receipts"
RECONCILIATION = "reconciliation"
SUPPLIERS = "suppliers"
COMPLIANCE = "compliance"
LOOKUPS = ("gl_accounts", "commodities", "units")
RULE_FILES: Mapping[str, type[RuleModel]] = {
    **dict.fromkeys(MAPPINGS, MappingFile),
    ORDERS: OrderMappingFile,
    RECEIPTS: ReceiptMappingFile,
    **dict.fromkeys(LOOKUPS, LookupFile),
    "units": UnitFile,
    "charges": ChargeRules,
    COMPLIANCE: ComplianceFile,
    "taxes": TaxFile,
    "tolerances": ToleranceFile,
    "policies": Policies,
    "routing": RoutingFile,
    "rollout": RolloutFile,
    "accounts": AccountFile,
    "entities": EntityFile,
    "order_status": OrderStatusFile,
    "catalog": CatalogFile,
    RECONCILIATION: ReconciliationFile,
    SUPPLIERS: SuppliersFile,
}
Model = TypeVar("Model", bound=RuleModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything in `mappings/`, checked and ready for use."""

    mappings: Mapping[str, CompiledMapping]
    orders: CompiledOrderMapping
    receipts: ReceiptMappingFile
    charges: ChargeRules
    compliance: ComplianceFile
    taxes: TaxRules
    tolerances: Tolerances
    conversions: Conversions
    policies: Policies
    rollout: Rollout
    accounts: Accounts
    entities: Entities
    order_status: OrderStatusRules
    catalog: CatalogFile
    reconciliation: ReconciliationFile
    routing: RoutingRules
    suppliers: SuppliersFile
    lookups: Mapping[str, Lookup]
    version: str

    def mapping(self, name: str) -> CompiledMapping:
        """Raises MappingError for a name without a file."""
        try:
            return self.mappings[name]
        except KeyError:
            raise MappingError(f"there is no mapping {name!r}{nearest(name, self.mappings)}") from None

    def zone_of(self, account: str) -> str:
        """In which time zone a day of the Amazon account begins: its marketplace decides; UTC for an account nobody listed."""
        entry = self.accounts.of(account)
        country = entry.marketplace if entry else None
        marketplaces = self.policies.marketplaces.values()
        return next((one.time_zone for one in marketplaces if one.country == country), "UTC")


def mappings_directory(environment: Mapping[str, str] | None = None) -> Path:
    """PROCUREMENT_MAPPINGS where it is set, else the installed package."""
    chosen = (os.environ if environment is None else environment).get("PROCUREMENT_MAPPINGS", "").strip()
    return Path(chosen) if chosen else Path(str(files("mappings")))


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """Every file as read, with its lines, before it is wired together."""

    directory: Path
    models: Mapping[str, RuleModel]
    sources: Mapping[str, YamlFile]

    def of(self, name: str, model: type[Model]) -> Model:
        found = self.models[name]
        assert isinstance(found, model)
        return found


def read_rule_files(directory: Path) -> RuleFiles:
    """Reads every file of the closed list; raises MappingError with the mistakes of all of them."""
    if not directory.is_dir():
        raise MappingError(f"{directory} is no directory; PROCUREMENT_MAPPINGS must name the one with the rule files")
    models: dict[str, RuleModel] = {}
    sources: dict[str, YamlFile] = {}
    problems = [
        f"{directory.name}/{path.name}:1: no pipeline reads this file{nearest(path.stem, RULE_FILES)}"
        for path in sorted(directory.glob("*.yml"))
        if path.stem not in RULE_FILES
    ]
    for name, model in RULE_FILES.items():
        try:
            models[name], sources[name] = read_rules_file(directory / f"{name}.yml", model)
        except MappingError as error:
            problems.append(str(error))
    if problems:
        raise MappingError("\n".join(problems))
    read = RuleFiles(directory, models, sources)
    problems = [problem for check in CROSS_CHECKS for problem in check(read)]
    if problems:
        raise MappingError("\n".join(problems))
    return read


def read_rules(directory: Path | str | None = None) -> Rules:
    """The rules of `directory` (default: `mappings_directory()`); MappingError lists every mistake in every file."""
    return build_rules(read_rule_files(mappings_directory() if directory is None else Path(directory)))


def build_rules(read: RuleFiles) -> Rules:
    """Compiles what was read; checked files always compile."""
    charges, taxes = read.of("charges", ChargeRules), TaxRules(read.of("taxes", TaxFile))
    policies, entities = read.of("policies", Policies), Entities(read.of("entities", EntityFile).charts)
    lookups = (
        {name: build_lookup(name, read.of(name, LookupFile)) for name in LOOKUPS} | entities.lookups | policies.lookups
    )
    tables = Tables(lookups, policies.zones)
    choices = Choices(charges, taxes, entities.accounts)
    return Rules(
        mappings={name: CompiledMapping(name, read.of(name, MappingFile), tables, choices) for name in MAPPINGS},
        orders=CompiledOrderMapping(read.of(ORDERS, OrderMappingFile), tables),
        receipts=read.of(RECEIPTS, ReceiptMappingFile),
        compliance=read.of(COMPLIANCE, ComplianceFile),
        charges=charges, taxes=taxes, policies=policies, entities=entities, lookups=lookups,
        tolerances=Tolerances.from_file(read.of("tolerances", ToleranceFile)),
        conversions=Conversions.of(read.of("units", UnitFile).conversions),
        rollout=Rollout(read.of("rollout", RolloutFile).pipelines),
        catalog=read.of("catalog", CatalogFile),
        order_status=OrderStatusRules.from_file(read.of("order_status", OrderStatusFile)),
        reconciliation=read.of(RECONCILIATION, ReconciliationFile),
        routing=RoutingRules.from_file(read.of("routing", RoutingFile)),
        suppliers=read.of(SUPPLIERS, SuppliersFile),
        accounts=Accounts(read.of("accounts", AccountFile).accounts),
        version=rules_version(read.directory),
    )  # fmt: skip


def rules_version(directory: Path) -> str:
    """A hash over name and content of every rule file."""
    digest = hashlib.sha256()
    for path in sorted(directory.glob("*.yml")):
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


DERIVED_LOOKUPS = ("bill_to", "remit_to", "marketplaces")


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
    _write_off_accounts,
    _tax_countries,
)

__all__ = [
    "MAPPINGS",
    "RULE_FILES",
    "Accounts",
    "Entities",
    "Mode",
    "Policies",
    "Rollout",
    "Rules",
    "mappings_directory",
    "read_rules",
]
