"""Names in spend.yml and budgets.yml that point elsewhere."""

from collections.abc import Collection, Iterator

from procurement.mapping.reading import nearest
from procurement.spend.budget_rules import BudgetFile
from procurement.spend.spend_rules import SpendFile

Place = tuple[str | int, ...]


def unknown_names(spend: SpendFile, budgets: BudgetFile, tables: Collection[str]) -> Iterator[tuple[str, Place, str]]:
    """File, place and sentence of each name that nothing carries; `tables` are the lookups there are."""
    for name, dimension in spend.dimensions.items():
        for number, rule in enumerate(dimension.rules):
            if rule.lookup and rule.lookup not in tables:
                place: Place = ("dimensions", name, "rules", number, "lookup")
                yield "spend", place, f"no table {rule.lookup!r}{nearest(rule.lookup, tables)}"
    for segment, source in budgets.segments.items():
        if source.from_ and source.from_ not in spend.dimensions:
            sentence = f"spend.yml has no {source.from_!r}{nearest(source.from_, spend.dimensions)}"
            yield "budgets", ("segments", segment, "from"), sentence
