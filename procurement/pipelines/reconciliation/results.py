"""What a run found, as the ledger keeps it in `plans`: the account, the gaps, what Coupa has, and each difference.

Every row names the `step` that found it, so that a step that is tried again replaces its own rows and nothing else.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, TextIO

from procurement.ledger import Ledger
from procurement.ledger.account import Account
from procurement.ledger.types import Run
from procurement.money import Money
from procurement.pipelines.spreadsheets import words
from procurement.reconciling import Difference, Kind

Json = dict[str, Any]
STEPS = ("extract", "compare")
WORDS = ("seen", "delivered", "waiting", "held", "skipped", "dead")
COLUMNS = (
    "kind", "invoice_number", "transaction", "po_numbers", "currency", "amazon", "ledger", "coupa", "ledger_state", "coupa_status",
    "coupa_id", "sentence",
)  # fmt: skip
AMOUNTS = ("amazon", "ledger", "coupa")


@dataclass(slots=True)
class Sums:
    """Accounts of many pages added up: documents, and money by currency."""

    documents: Account = field(default_factory=Account)
    money: dict[str, Account] = field(default_factory=dict)

    def add(self, documents: Account, money: Mapping[str, Account]) -> None:
        self.documents = added(self.documents, documents)
        for currency, account in money.items():
            self.money[currency] = added(self.money.get(currency, Account()), account)

    def count(self, word: str | None, amount: Decimal | None, currency: str | None) -> None:
        """One document more that the ledger does not have: seen, and accounted for as `word` or not at all."""
        words = ["seen", *([word] if word else [])]
        money = {currency: Account(**dict.fromkeys(words, amount))} if amount is not None and currency else {}
        self.add(Account(**dict.fromkeys(words, Decimal(1))), money)


def added(one: Account, other: Account) -> Account:
    return Account(**{word: getattr(one, word) + getattr(other, word) for word in WORDS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Green when every document is accounted for, nothing differs, and the whole range was read."""

    documents: Mapping[str, int]
    money: Mapping[str, Mapping[str, str]]
    invoices: int
    gaps: Sequence[Mapping[str, str]]
    differences: Sequence[Json]

    @property
    def balances(self) -> bool:
        return all(adds_up(one) for one in (self.documents, *self.money.values()))

    @property
    def green(self) -> bool:
        return self.balances and not self.gaps and not self.differences

    @property
    def kinds(self) -> dict[str, int]:
        """How many differences of each kind, in the kinds' own order."""
        found = [row["kind"] for row in self.differences]
        return {kind.value: found.count(kind.value) for kind in Kind if kind.value in found}

    @property
    def verdict(self) -> str:
        if self.green:
            return "green"
        parts = [f"{count} {kind.replace('_', ' ')}" for kind, count in self.kinds.items()]
        parts += [f"{len(self.gaps)} stretch{'es' if len(self.gaps) > 1 else ''} never read"] if self.gaps else []
        return "red: " + (", ".join(parts) or "the sums do not add up")

    @property
    def line(self) -> str:
        """The one line that a demo prints and a mail begins with."""
        money = ", ".join(str(Money(Decimal(one["seen"]), currency)) for currency, one in self.money.items())
        counted = f"{self.documents['seen']:,} transactions, {self.invoices:,} invoices{', ' if money else ''}{money}"
        return f"Reconciled {counted}: {self.verdict}"


def adds_up(account: Mapping[str, Any]) -> bool:
    return Decimal(account["seen"]) == sum((Decimal(account[word]) for word in WORDS[1:]), Decimal(0))


def account_row(sums: Sums, *, account: str, source: str, repeats: int) -> Json:
    return {
        "row": "account", "account": account, "source": source, "repeats": repeats,
        "documents": {word: int(getattr(sums.documents, word)) for word in WORDS},
        "money": {
            currency: {word: str(getattr(one, word)) for word in WORDS} for currency, one in sorted(sums.money.items())
        },
    }  # fmt: skip


def difference_row(difference: Difference, *, replaces: str | None = None) -> Json:
    """Amounts as text. `replaces`: the transaction of an earlier row that this one tells better."""
    values = {
        key: str(value) if isinstance(value, Decimal | Kind) else value for key, value in asdict(difference).items()
    }
    return {"row": "difference", **values, "po_numbers": list(difference.po_numbers), "replaces": replaces}


def read_difference(row: Mapping[str, Any]) -> Difference:
    """The difference that `difference_row` wrote."""
    values = {name: row[name] for name in COLUMNS}
    amounts = {name: Decimal(row[name]) if row[name] is not None else None for name in AMOUNTS}
    return Difference(**{**values, **amounts, "kind": Kind(row["kind"]), "po_numbers": tuple(row["po_numbers"])})


def keep(ledger: Ledger, run: Run, step: str, rows: Iterable[Json]) -> None:
    """Replaces what this step of the run found earlier, and what later steps made of it."""
    earlier = [row for row in ledger.plans.of(run) if STEPS.index(row["step"]) < STEPS.index(step)]
    ledger.plans.keep(run, [*earlier, *({**row, "step": step} for row in rows)])


def read_result(ledger: Ledger, run: Run) -> Result | None:
    """What the run found; None for one that compared nothing. The same order at every reading."""
    rows = ledger.plans.of(run)
    account = next((row for row in rows if row["row"] == "account"), None)
    if account is None:
        return None
    replaced = {row["replaces"] for row in rows if row["row"] == "difference"} - {None}
    differences = [
        row for row in rows
        if row["row"] == "difference" and not (row["step"] == "extract" and row["transaction"] in replaced)
    ]  # fmt: skip
    order = [kind.value for kind in Kind]
    differences.sort(
        key=lambda row: (
            order.index(row["kind"]),
            row["invoice_number"] or "",
            row["transaction"] or "",
            row["coupa_id"] or "",
        )
    )
    return Result(
        documents=account["documents"], money=account["money"], differences=differences,
        invoices=sum(row["documents"] for row in rows if row["row"] == "coupa"),
        gaps=[{"from": row["from"], "to": row["to"]} for row in rows if row["row"] == "gap"],
    )  # fmt: skip


def write_csv(file: TextIO, differences: Sequence[Json]) -> None:
    """One row a difference; texts that a spreadsheet would run as formulas are quoted."""
    writer = csv.writer(file)
    writer.writerow([*COLUMNS, "difference"])
    for row in differences:
        writer.writerow([*(cell(name, row[name]) for name in COLUMNS), gap_of(row)])


def cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return text if name in AMOUNTS else words(text)


def gap_of(row: Mapping[str, Any]) -> str:
    """Coupa's amount over Amazon's, or the ledger's over Amazon's; empty where one side has none."""
    other = row["coupa"] if row["coupa"] is not None else row["ledger"]
    if row["amazon"] is None or other is None:
        return ""
    return str(Decimal(other) - Decimal(row["amazon"]))
