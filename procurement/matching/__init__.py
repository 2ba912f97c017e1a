"""The three-way match: an invoice against what was ordered and what was received. Pure; the verdict is a value.

Every difference becomes a `Finding` with expected, actual, difference, limit, the rule that decided, its money and one
sentence; a difference beyond its limit is *breached*. The outcome is the worst of them: exception, else waiting for a receipt
(units that can still be received), else within tolerance, else matched. Tightening a tolerance never releases anything.
`Variance` splits the whole difference in money by cause; `Allocation`s say which receipts were used up.

A PO line's match type wins over its supplier's level. `2-way` compares price and ordered quantity, `3-way` and
`3-way-fifo` also what was received and not invoiced yet, `direct_matching` and `3-way-direct` only receipts with the invoice
line's match reference (without one nothing is tied to it, and nothing is waited for); `none` compares nothing on the line. A
line that needs no receipt is compared two ways.
"""

from procurement.matching.comparing import Rates
from procurement.matching.levels import DIRECT, FIFO, NO_UNITS, THREE_WAY, match_level, reads_receipts, units_billed
from procurement.matching.match import three_way_match
from procurement.matching.result import Allocation, Finding, MatchResult, Outcome
from procurement.matching.variance import PARTS, Variance, Written, WrittenShare

__all__ = [
    "DIRECT",
    "FIFO",
    "NO_UNITS",
    "PARTS",
    "THREE_WAY",
    "Allocation",
    "Finding",
    "MatchResult",
    "Outcome",
    "Rates",
    "Variance",
    "Written",
    "WrittenShare",
    "match_level",
    "reads_receipts",
    "three_way_match",
    "units_billed",
]
