"""Whether a PO line still is as the plan saw it: between plan and send a person may have received, or taken back. Pure.

What we sent by the same plan explains itself: those receipts carry our name and are newer than all that the plan saw.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from procurement.mapping.receipt_grammar import read_name
from procurement.money import to_decimal
from procurement.receiving_facts import Receipt

Json = dict[str, Any]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the plan saw of a PO line: its `received`, the `newest` receipt, and the units that all receipts count.

    `received` is None where the plan itself voids receipts of the line: then only the receipts tell who did what.
    """

    newest: int
    received: Decimal | None
    counted: Decimal

    @classmethod
    def of(cls, receipts: Sequence[Receipt], received: Decimal, *, voiding: bool = False) -> "Seen":
        return cls(
            newest=max((one.id for one in receipts), default=0), received=None if voiding else received, counted=_counted(receipts)
        )  # fmt: skip

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "Seen":
        received = raw["received"]
        return cls(
            newest=int(raw["newest"]),
            received=None if received is None else Decimal(received),
            counted=Decimal(raw["counted"]),
        )

    def write(self) -> Json:
        return {
            "newest": self.newest,
            "received": None if self.received is None else _plain(self.received),
            "counted": _plain(self.counted),
        }

    def is_news(self, receipt: Receipt) -> bool:
        return receipt.id > self.newest


def what_changed(
    seen: Seen, line: Mapping[str, Any] | None, receipts: Callable[[], Iterable[Receipt]], *, name: str
) -> str | None:
    """Why the plan for the receipt called `name` no longer holds; None when it does.

    `line` is Coupa's PO line as it is now; `receipts` are read only where its received units differ from those planned on.
    """
    if line is None:
        return "Coupa does not show the PO line any more"
    received = to_decimal(str(line.get("received") or 0))
    if received == seen.received:
        return None
    shown = list(receipts())
    if (twin := next((one for one in shown if one.external_id == name), None)) is not None:
        return f"receipt {twin.id} in Coupa has its name already"
    ours = [one for one in shown if seen.is_news(one) and read_name(one.external_id)[0]]
    others = [one for one in shown if one not in ours]
    news = [one.by for one in others if seen.is_news(one) and one.arrives and one.live > 0]
    if news:
        return f"{', '.join(dict.fromkeys(news))} received on this PO line meanwhile"
    if _counted(others) != seen.counted:
        return "somebody took a receipt back on this PO line meanwhile"
    return (
        None if seen.received is None or _explained(received - seen.received, ours) else "its PO line changed meanwhile"
    )


def _explained(change: Decimal, ours: Sequence[Receipt]) -> bool:
    """The line may show some of our receipts and not yet the others: several are sent at once."""
    added = sum((one.counted for one in ours if one.arrives), ZERO)
    taken = sum((one.counted for one in ours if one.departs), ZERO)
    return taken <= change <= added


def _counted(receipts: Iterable[Receipt]) -> Decimal:
    return sum((one.counted for one in receipts), ZERO)


def _plain(units: Decimal) -> str:
    return f"{units.normalize():f}"
