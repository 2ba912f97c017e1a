"""Numbers as people write them, and the sentence that says what to expect of the supplier."""

from decimal import Decimal

from procurement.money import Money, round_to

RATE_STEP = Decimal("0.000000001")
EXPECT = ": expect a credit "


def plain(value: Decimal) -> str:
    """A quantity as people write it: 2, not 2.000000."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown_rate(rate: Decimal | None) -> str:
    """An exchange rate with the nine places in which rates are kept."""
    return plain(round_to(rate or Decimal(0), RATE_STEP))


def apart(difference: Decimal, expected: Decimal, currency: str) -> str:
    share = f" ({round_to(abs(difference) * 100 / expected, Decimal('0.1'))} %)" if expected else ""
    return f"{Money(abs(difference), currency)}{share} {'above' if difference > 0 else 'below'}"


def closing(money: Money, *, breached: bool, units: str = "") -> str:
    """How a sentence ends: with a full stop, or with the credit that an exception calls for."""
    if not breached or money.amount <= 0:
        return "."
    return f"{EXPECT}for {units} ({money})." if units else f"{EXPECT}of {money}."


def let_through(sentence: str) -> str:
    """The same difference when no credit is asked for it any more."""
    facts, credit, _ = sentence.partition(EXPECT)
    return f"{facts}." if credit else sentence
