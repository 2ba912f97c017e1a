"""Ids of what is placed here, derived from the world and from what they name: the same run always gives the same ids,
in whatever order requests arrive.

Where the world's ids are `different`, Reporting counts lines and has long digits for shipments while Reconciliation has
its own, as Amazon's samples show; `AmazonState.aliases` then knows the other id.
"""

from random import Random

from sandbox.amazon.state import AmazonState

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ123456789"


def _chance(state: AmazonState, *parts: object) -> Random:
    return Random("/".join((state.key, *map(str, parts))))


def _fill(chance: Random, pattern: str) -> str:
    """`#` becomes a digit, `?` a letter or digit."""
    return "".join(
        str(chance.randrange(10)) if one == "#" else chance.choice(LETTERS) if one == "?" else one for one in pattern
    )


def order_id(state: AmazonState, external_id: str, part: int) -> str:
    chance = _chance(state, "order", external_id, part)
    while True:
        name = _fill(chance, f"11{chance.randrange(1, 5)}-#######-#######")
        if not state.of_order("orders", name):
            return name


def line_id(state: AmazonState, order: str, position: int) -> str:
    """As Reporting names it."""
    reconciliation = _fill(_chance(state, "line", order, position), "6#############")
    return _named(state, order, str(position), reconciliation)


def shipment_id(state: AmazonState, order: str, number: int) -> str:
    """Of the order's `number`th shipment, as Reporting names it."""
    chance = _chance(state, "shipment", order, number)
    reconciliation, reporting = _fill(chance, "D????????"), _fill(chance, "401############")
    return _named(state, order, reporting, reconciliation)


def _named(state: AmazonState, order: str, reporting: str, reconciliation: str) -> str:
    if state.seed.ids == "equal":
        return reconciliation
    state.aliases[f"{order}/{reporting}"] = reconciliation
    return reporting


def tracking_id(state: AmazonState, shipment: str, package: int) -> str:
    return _fill(_chance(state, "package", shipment, package), "TBA############")


def transaction_id(state: AmazonState, order: str) -> str:
    """Of the order's next transaction."""
    count = len(state.transactions_of(order))
    return _fill(_chance(state, "transaction", order, count), "##########") + f"{count + 1:03d}"


def invoice_number(state: AmazonState, transaction: str) -> str:
    """Invoice or credit memo."""
    return _fill(_chance(state, "invoice", transaction), "1???-????-????")
