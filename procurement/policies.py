"""The rules of the business as typed values: `read_rules(directory)` reads and checks everything in `mappings/`.

Promises: every mistake in every file is reported at once, with its place; names that point from one file into another
(accounts, lookups, marketplaces, charts) are checked; `Rules.version` changes when any file does, and is kept on every
delivery.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from procurement.catalog.rules import CatalogFile
from procurement.charge_rules import ChargeRules
from procurement.compliance.rules import ComplianceFile
from procurement.errors import MappingError
from procurement.mapping.compiled import Choices, CompiledMapping
from procurement.mapping.fields import Tables
from procurement.mapping.grammar import MappingFile
from procurement.mapping.lookups import Lookup, LookupFile, UnitFile, build_lookup
from procurement.mapping.order_grammar import OrderMappingFile
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
from procurement.rule_checks import CROSS_CHECKS, TOLERANCE_CHECKS
from procurement.rule_files import (
    COMPLIANCE,
    LOOKUPS,
    MAPPINGS,
    ORDERS,
    RECEIPTS,
    RECONCILIATION,
    RULE_FILES,
    SUPPLIERS,
    RuleFiles,
)
from procurement.rule_model import RuleModel
from procurement.sellers.rules import SuppliersFile
from procurement.spend.budget_rules import BudgetFile
from procurement.spend.categorising import SpendRules
from procurement.spend.spend_rules import SpendFile
from procurement.taxes import TaxFile, TaxRules
from procurement.tolerances import ToleranceFile, Tolerances
from procurement.units_of_measure import Conversions


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
    spend: SpendRules
    budgets: BudgetFile
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


def read_tolerances(path: Path, beside: RuleFiles) -> Tolerances:
    """A file in the grammar of tolerances.yml, tried in its place `beside` the others; MappingError lists every mistake."""
    file, source = read_rules_file(path, ToleranceFile)
    tried = replace(
        beside,
        models={**beside.models, "tolerances": file},
        sources={**beside.sources, "tolerances": source},
    )
    if problems := [problem for check in TOLERANCE_CHECKS for problem in check(tried)]:
        raise MappingError("\n".join(problems))
    return Tolerances.from_file(file)


def read_rules(directory: Path | str | None = None) -> Rules:
    """The rules of `directory` (default: `mappings_directory()`); MappingError lists every mistake in every file."""
    return build_rules(read_rule_files(mappings_directory() if directory is None else Path(directory)))


def build_rules(read: RuleFiles) -> Rules:
    """Compiles what was read; checked files always compile."""
    charges, taxes = read.of("charges", ChargeRules), TaxRules(read.of("taxes", TaxFile))
    policies, entities = read.of("policies", Policies), Entities(read.of("entities", EntityFile).charts)
    units = read.of("units", UnitFile)
    conversions = Conversions.of(units.conversions)
    lookups = (
        {name: build_lookup(name, read.of(name, LookupFile)) for name in LOOKUPS}
        | {"sold_in": Lookup("units", units.sold_in)}
        | entities.lookups
        | policies.lookups
    )
    tables = Tables(lookups, policies.zones)
    choices = Choices(charges, taxes, entities.accounts, conversions)
    return Rules(
        mappings={name: CompiledMapping(name, read.of(name, MappingFile), tables, choices) for name in MAPPINGS},
        orders=CompiledOrderMapping(read.of(ORDERS, OrderMappingFile), tables),
        receipts=read.of(RECEIPTS, ReceiptMappingFile),
        compliance=read.of(COMPLIANCE, ComplianceFile),
        charges=charges, taxes=taxes, policies=policies, entities=entities, lookups=lookups,
        tolerances=Tolerances.from_file(read.of("tolerances", ToleranceFile)),
        conversions=conversions,
        rollout=Rollout(read.of("rollout", RolloutFile).pipelines),
        catalog=read.of("catalog", CatalogFile),
        order_status=OrderStatusRules.from_file(read.of("order_status", OrderStatusFile)),
        reconciliation=read.of(RECONCILIATION, ReconciliationFile),
        routing=RoutingRules.from_file(read.of("routing", RoutingFile)),
        suppliers=read.of(SUPPLIERS, SuppliersFile),
        spend=SpendRules(read.of("spend", SpendFile), lookups),
        budgets=read.of("budgets", BudgetFile),
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
    "read_tolerances",
]
