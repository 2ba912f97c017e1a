"""Sellers of Amazon Business become Coupa suppliers in onboarding. The steps, as the DAG calls them."""

from procurement.pipelines.amazon_suppliers_to_coupa.names import PIPELINE
from procurement.pipelines.amazon_suppliers_to_coupa.review import review_list
from procurement.pipelines.amazon_suppliers_to_coupa.steps import close, extract, follow_up, load, open_run, transform

__all__ = ["PIPELINE", "close", "extract", "follow_up", "load", "open_run", "review_list", "transform"]
