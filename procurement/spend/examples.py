"""What the examples in spend.yml and budgets.yml come to: sentences about what came out otherwise."""

from procurement.spend.budget_rules import BudgetExample, BudgetFile
from procurement.spend.categorising import Segment, SpendRules
from procurement.spend.spend_rules import SpendExample
from procurement.spend.thresholds import LEVELS, level


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


def unshown_spend(rules: SpendRules) -> list[str]:
    """Rules of spend.yml that decide about no example."""
    seen = set[str]()
    for example in rules.file.examples:
        number = rules.outside_rule(po=example.po, paid_by=example.paid_by, invoiced=example.invoiced)
        seen.add(f"outside, rule {number}")
        found = rules.categorise(line=example.line, transaction=example.transaction, order=example.order)
        seen |= {f"{name}, rule {decided}" for name, decided in found.decided.items()}
    known = [f"outside, rule {n}" for n, _ in enumerate(rules.file.outside, 1)]
    known += [f"{name}, rule {n}" for name, one in rules.file.dimensions.items() for n, _ in enumerate(one.rules, 1)]
    return [one for one in known if one not in seen]


def unshown_budgets(rules: BudgetFile) -> list[str]:
    """Recipients and levels that no example comes to."""
    reached = {example.expect_level for example in rules.examples}
    chosen = [rules.recipient(Segment(**example.segment)) for example in rules.examples if example.segment]
    unshown = [
        f"recipients, rule {n}" for n, rule in enumerate(rules.recipients, 1) if not any(one is rule for one in chosen)
    ]
    return [*unshown, *(f"level {name}" for name in LEVELS if name not in reached)]
