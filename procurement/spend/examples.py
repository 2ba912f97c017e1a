"""What the examples in spend.yml and budgets.yml come to: sentences about what came out otherwise."""

from procurement.spend.budget_rules import BudgetExample, BudgetFile
from procurement.spend.categorising import Segment, SpendRules
from procurement.spend.spend_rules import SpendExample
from procurement.spend.thresholds import level


def try_spend(example: SpendExample, rules: SpendRules) -> list[str]:
    found = []
    count = rules.count(po=example.po, paid_by=example.paid_by, invoiced=example.invoiced)
    if count != example.expect_count:
        found.append(f"it counts as {count}, expected {example.expect_count}")
    result = rules.categorise(line=example.line, transaction=example.transaction, order=example.order)
    for name, wanted in example.expect.items():
        given = getattr(result.segment, name, None)
        if given != wanted:
            found.append(f"{name} is {given!r}, expected {wanted!r}")
    reason = example.expect_uncategorised
    if reason is not None and not any(reason in sentence for sentence in result.missing):
        found.append(f"expected uncategorised because {reason!r}, got {list(result.missing)}")
    if reason is None and example.expect and result.missing:
        found.append(f"it is uncategorised: {' '.join(result.missing)}")
    return found


def try_budget(example: BudgetExample, rules: BudgetFile) -> list[str]:
    found = []
    if example.on is not None and (name := rules.periods.of(example.on).name) != example.expect_period:
        found.append(f"{example.on} is in {name}, expected {example.expect_period}")
    segment = Segment(**example.segment)
    for name, wanted in example.expect_line.items():
        if (given := rules.line_key(segment).get(name)) != wanted:
            found.append(f"{name} is {given!r}, expected {wanted!r}")
    if example.expect_group is not None:
        rule = rules.recipient(segment)
        if rule is None or rule.group != example.expect_group:
            found.append(f"goes to {rule and rule.group}, expected {example.expect_group}")
    if example.used is not None:
        for measure, threshold in list(rules.thresholds.items())[:1]:
            if (reached := level(example.used, example.was, threshold)) != example.expect_level:
                found.append(f"{measure} at {example.used} % is {reached}, expected {example.expect_level}")
    return found
