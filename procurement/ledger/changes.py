"""When a delivery may still change, and what happens to a record that changes after that.

A delivery is open to change until it may have reached the target: while `planned` or `waiting` with every attempt
answered by "did not happen", when a plan left it out (superseded), when a plan or a gate held or skipped it and every
attempt before was answered so, and when a plan buried it before any attempt. What a person discarded stays discarded.
"""

import sqlalchemy as sa

DISCARDED = "discarded: "  # begins the reason of what a person put aside
SUPERSEDED = "superseded by a newer plan"
CHANGED_PART = "changed after claim"


def unanswered(delivery: str) -> str:
    """SQL: the delivery has an attempt of which nobody knows whether it reached the target."""
    return f"EXISTS (SELECT FROM attempts t WHERE t.delivery_id = {delivery}.id AND t.outcome IS NULL)"


def did_not_happen(delivery: str) -> str:
    """SQL: the target certainly has nothing of the delivery: each attempt was turned away, or asked for and not found."""
    return (
        f"NOT EXISTS (SELECT FROM attempts t WHERE t.delivery_id = {delivery}.id "
        "AND coalesce(t.outcome, '') NOT IN ('not_sent', 'not_found'))"
    )


def open_to_change(delivery: str) -> str:
    """SQL: payload and links of the delivery (an alias of our own) may still change."""
    return (
        f"(NOT {unanswered(delivery)} AND ({delivery}.state IN ('planned', 'waiting') "
        f"OR {delivery}.state = 'skipped' AND {delivery}.reason = '{SUPERSEDED}' "
        f"OR ({delivery}.state IN ('held', 'skipped') AND {did_not_happen(delivery)} OR {delivery}.state = 'dead' AND {delivery}.attempt = 0) "
        f"AND coalesce({delivery}.reason, '') NOT LIKE '{DISCARDED}%'))"
    )


# Both work on the temporary table `changed (record_id, key, amount, currency, claimed)`. `billed` is what deliveries and
# earlier decisions already hold of the record, `discarded` the difference that a person put aside: that very one is not
# asked about again.
_BILLED = f"""
    JOIN LATERAL (
        SELECT sum(o.amount) FILTER (WHERE o.part <> '{CHANGED_PART}') AS billed, bool_or(o.part = '{CHANGED_PART}') AS held,
            max(o.amount) FILTER (
                WHERE o.part = '{CHANGED_PART}' AND o.state = 'skipped' AND o.reason LIKE '{DISCARDED}%'
            ) AS discarded
        FROM allocations o WHERE o.record_id = c.record_id AND o.role = 'bills'
    ) b ON true
"""
_UNDECIDED = "(b.discarded IS NULL OR b.discarded IS DISTINCT FROM c.amount - b.billed)"
REPORT_CHANGED_AFTER_CLAIM = sa.text(f"""
    INSERT INTO findings (record_id, run_id, kind, sentence, expected, actual, difference)
    SELECT c.record_id, :run, 'changed_after_claim',
        CASE WHEN b.billed IS NULL AND c.amount IS NULL
            THEN concat(c.key, ' was changed after it had been sent. What was sent stays as it is: compare both sides by hand.')
            ELSE concat(c.key, ' was read differently after it had been sent: ', b.billed, ' was sent, now it is ', c.amount, ' ',
                c.currency, '.')
        END,
        b.billed, c.amount, c.amount - b.billed
    FROM changed c {_BILLED} WHERE c.claimed AND {_UNDECIDED} ORDER BY c.record_id
""")
HOLD_CHANGED_AFTER_CLAIM = sa.text(f"""
    INSERT INTO allocations (record_id, part, pipeline, state, reason, amount, currency)
    SELECT c.record_id, '{CHANGED_PART}', :pipeline, CASE WHEN c.amount = b.billed THEN 'skipped' ELSE 'held' END,
        CASE WHEN c.amount = b.billed THEN 'changed back' ELSE 'changed after it was sent' END, c.amount - b.billed, c.currency
    FROM changed c {_BILLED}
    WHERE c.claimed AND {_UNDECIDED} AND c.amount IS NOT NULL AND (b.held OR c.amount <> b.billed) ORDER BY c.record_id
    ON CONFLICT (record_id, part) WHERE role = 'bills'
    DO UPDATE SET state = excluded.state, reason = excluded.reason, amount = excluded.amount, changed_at = clock_timestamp()
""")
