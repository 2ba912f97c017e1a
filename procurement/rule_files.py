"""Which rule files there are, the shape of each, and all of them as read, before they are wired together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from procurement.catalog.rules import CatalogFile
from procurement.charge_rules import ChargeRules
from procurement.compliance.rules import ComplianceFile
from procurement.mapping.grammar import MappingFile
from procurement.mapping.lookups import LookupFile, UnitFile
from procurement.mapping.order_grammar import OrderMappingFile
from procurement.mapping.reading import YamlFile
from procurement.mapping.receipt_grammar import ReceiptMappingFile
from procurement.order_status_rules import OrderStatusFile
from procurement.policy_files import (
    AccountFile,
    EntityFile,
    Policies,
    RolloutFile,
)
from procurement.reconciliation_rules import ReconciliationFile
from procurement.routing import RoutingFile
from procurement.rule_model import RuleModel
from procurement.sellers.rules import SuppliersFile
from procurement.spend.budget_rules import BudgetFile
from procurement.spend.spend_rules import SpendFile
from procurement.taxes import TaxFile
from procurement.tolerances import ToleranceFile

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
    "spend": SpendFile,
    "budgets": BudgetFile,
    RECONCILIATION: ReconciliationFile,
    SUPPLIERS: SuppliersFile,
}
Model = TypeVar("Model", bound=RuleModel)


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
