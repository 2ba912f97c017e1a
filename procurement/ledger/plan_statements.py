"""The SQL behind `planning.keep`, in the order it runs. All of it works on temporary tables that hold the plan.

`p_deliveries.status`: fresh (new), open (replaced), same (nothing differs), closed (may have been sent), incomplete (bills
records that the plan leaves out). `p_records.fate`: kept, already (linked before, and closed), late, deferred.
"""

import sqlalchemy as sa

from procurement.ledger.bulk import script, temporary
from procurement.ledger.changes import HOLD_CHANGED_AFTER_CLAIM, REPORT_CHANGED_AFTER_CLAIM, SUPERSEDED, open_to_change

DELIVERY_COLUMNS = (
    "n", "action", "business_key", "after_action", "after_key", "required", "state", "reason", "outcome", "payload", "hash",
    "amount", "currency", "variance", "subjects", "errors", "error_class", "mapping_version", "policy_version", "scope",
)  # fmt: skip
RECORD_COLUMNS = (
    "record_id", "part", "state", "reason", "bills_action", "bills_key", "amount", "currency", "errors", "error_class",
    "to_plan", "hash",
)  # fmt: skip
FINDING_COLUMNS = (
    "n", "action", "business_key", "record_id", "kind", "line", "sentence", "breached", "expected", "actual", "difference", "limit_value",
    "rule", "amount", "currency",
)  # fmt: skip
COLUMNS = {"p_deliveries": DELIVERY_COLUMNS, "p_records": RECORD_COLUMNS, "p_findings": FINDING_COLUMNS}
TEMPORARY = {
    "p_deliveries": "n int, action text, business_key text, after_action text, after_key text, required boolean, state text, "
    "reason text, outcome text, payload text, hash text, amount numeric, currency text, variance jsonb, subjects jsonb, "
    "errors jsonb, error_class text, mapping_version text, policy_version text, scope text, id bigint, after_id bigint, status text",
    "p_records": "record_id bigint, part text, state text, reason text, bills_action text, bills_key text, amount numeric, "
    "currency text, errors jsonb, error_class text, to_plan boolean, hash text, delivery_id bigint, fate text, was text",
    "p_findings": "n int, action text, business_key text, record_id bigint, kind text, line text, sentence text, breached boolean, "
    "expected text, actual text, difference text, limit_value text, rule text, amount numeric, currency text, delivery_id bigint",
    "changed": "record_id bigint, key text, amount numeric, currency text, claimed boolean",
}
CREATE = sa.text(";\n".join(temporary(table, columns) for table, columns in TEMPORARY.items()))
INDEX = sa.text("CREATE INDEX ON p_records (record_id); ANALYZE p_deliveries; ANALYZE p_records; ANALYZE p_findings")
INCOMPLETE = "another record joined: planned again together"

_INSERT = sa.text("""
    WITH added AS (
        INSERT INTO deliveries (pipeline, action, business_key, required, state, reason, outcome, payload, hash, amount, currency,
            variance, errors, error_class, mapping_version, policy_version, scope, planned_by)
        SELECT :pipeline, action, business_key, required, state, reason, outcome, CAST(payload AS json), hash, amount, currency,
            variance, errors, error_class, mapping_version, policy_version, scope, :run
        FROM p_deliveries ORDER BY business_key, n
        ON CONFLICT (pipeline, action, business_key) DO NOTHING RETURNING id, action, business_key
    )
    UPDATE p_deliveries p SET id = added.id, status = 'fresh' FROM added
    WHERE p.action = added.action AND p.business_key = added.business_key
""")
_FIND = sa.text("""
    UPDATE p_deliveries p SET id = d.id FROM deliveries d
    WHERE p.id IS NULL AND d.pipeline = :pipeline AND d.action = p.action AND d.business_key = p.business_key
""")
# In the order of id, as everywhere: the rows of the plan, of its business keys, and those that its records bill so far.
_LOCK = sa.text("""
    SELECT count(*) FROM (
        SELECT d.id FROM deliveries d WHERE d.id IN (
            SELECT id FROM p_deliveries WHERE status IS NULL
            UNION SELECT a.delivery_id FROM allocations a JOIN p_records r USING (record_id) WHERE a.delivery_id IS NOT NULL
            UNION SELECT o.id FROM deliveries o JOIN p_deliveries p USING (business_key) WHERE o.pipeline = :pipeline AND p.status IS NULL
        ) ORDER BY d.id FOR UPDATE
    ) AS locked
""")
# Deliveries first, then records, and records in the order in which `stage` takes them: an extract of another run may be at it.
_LOCK_RECORDS = sa.text("""
    SELECT count(*) FROM (
        SELECT s.id FROM source_records s WHERE s.id IN (
            SELECT record_id FROM p_records
            UNION SELECT a.record_id FROM allocations a WHERE a.delivery_id IN (
                SELECT id FROM p_deliveries WHERE status IS NULL
                UNION SELECT o.delivery_id FROM allocations o JOIN p_records r USING (record_id) WHERE o.delivery_id IS NOT NULL
            )
        ) ORDER BY s.source, s.kind, s.key FOR NO KEY UPDATE
    ) AS locked
""")
_AFTER = sa.text("""
    UPDATE p_deliveries p SET after_id = d.id FROM deliveries d
    WHERE d.pipeline = :pipeline AND d.action = p.after_action AND d.business_key = p.after_key
""")
_CLASSIFY = sa.text(f"""
    UPDATE p_deliveries p SET status = CASE
        WHEN NOT {open_to_change("d")} THEN 'closed'
        WHEN EXISTS (
            SELECT FROM allocations a WHERE a.delivery_id = d.id
            AND NOT EXISTS (SELECT FROM p_records r WHERE r.record_id = a.record_id)
        ) THEN 'incomplete'
        WHEN (d.hash, d.state, d.required) = (p.hash, p.state, p.required)
            AND (d.reason, d.outcome, d.amount, d.currency, d.variance, d.after_id, d.mapping_version, d.policy_version, d.scope)
            IS NOT DISTINCT FROM
            (p.reason, p.outcome, p.amount, p.currency, p.variance, p.after_id, p.mapping_version, p.policy_version, p.scope)
            THEN 'same'
        ELSE 'open' END
    FROM deliveries d WHERE d.id = p.id AND p.status IS NULL
""")
_CHAIN_FRESH = sa.text("""
    UPDATE deliveries d SET after_id = p.after_id FROM p_deliveries p
    WHERE d.id = p.id AND p.status = 'fresh' AND p.after_id IS NOT NULL
""")
_REPLACE = sa.text("""
    UPDATE deliveries d
    SET after_id = p.after_id, required = p.required, state = p.state, reason = p.reason, outcome = p.outcome,
        payload = CAST(p.payload AS json), hash = p.hash, amount = p.amount, currency = p.currency,
        variance = p.variance, errors = p.errors, error_class = p.error_class, mapping_version = p.mapping_version,
        policy_version = p.policy_version, scope = p.scope,
        planned_by = :run,
        due_at = clock_timestamp(), changed_at = clock_timestamp()
    FROM p_deliveries p WHERE d.id = p.id AND p.status = 'open'
""")
_DROP_SUBJECTS = sa.text("""
    DELETE FROM delivery_subjects s USING p_deliveries p WHERE s.delivery_id = p.id AND p.status = 'open'
    AND NOT coalesce(p.subjects ? s.subject, false)
""")
_ADD_SUBJECTS = sa.text("""
    INSERT INTO delivery_subjects (subject, delivery_id)
    SELECT named.subject, p.id FROM p_deliveries p CROSS JOIN LATERAL jsonb_array_elements_text(p.subjects) AS named (subject)
    WHERE p.subjects IS NOT NULL AND p.status IN ('fresh', 'open') ORDER BY 1, 2
    ON CONFLICT DO NOTHING
""")
_DEFER = sa.text(f"""
    UPDATE deliveries d SET state = 'waiting', reason = '{INCOMPLETE}', changed_at = clock_timestamp()
    FROM p_deliveries p WHERE d.id = p.id AND p.status = 'incomplete'
""")
_DEFER_RECORDS = sa.text("""
    UPDATE source_records r SET to_plan = true FROM allocations a JOIN p_deliveries p ON p.id = a.delivery_id AND p.status = 'incomplete'
    WHERE r.id = a.record_id
""")
# What followed a replaced delivery under its business key, and is not in the plan any more (the comment of an exception gone).
_DROP_STALE_CHAIN = sa.text(f"""
    WITH RECURSIVE chain AS (
        SELECT id, business_key FROM p_deliveries WHERE status IN ('open', 'same')
        UNION SELECT d.id, d.business_key FROM deliveries d JOIN chain c ON d.after_id = c.id AND d.business_key = c.business_key
    )
    UPDATE deliveries d SET state = 'skipped', reason = '{SUPERSEDED}', changed_at = clock_timestamp()
    WHERE d.id IN (SELECT id FROM chain) AND d.pipeline = :pipeline AND d.state IN ('planned', 'waiting') AND d.attempt = 0
    AND d.id NOT IN (SELECT id FROM p_deliveries)
""")
DELIVERIES = script(
    _INSERT, _FIND, _LOCK, _LOCK_RECORDS, _AFTER, _CLASSIFY, _CHAIN_FRESH, _REPLACE, _DROP_SUBJECTS, _ADD_SUBJECTS,
    _DEFER, _DEFER_RECORDS, _DROP_STALE_CHAIN,
)  # fmt: skip
LOST_PREDECESSOR = sa.text(
    "SELECT action, business_key, after_action, after_key FROM p_deliveries WHERE after_action IS NOT NULL AND after_id IS NULL"
)

_FATE = sa.text(f"""
    WITH fixed AS (
        SELECT a.record_id, a.part, a.delivery_id FROM allocations a JOIN deliveries d ON d.id = a.delivery_id
        WHERE a.role = 'bills' AND a.record_id IN (SELECT record_id FROM p_records) AND NOT {open_to_change("d")}
    ), fates AS (
        SELECT r.record_id, r.part, p.id AS delivery_id, CASE
            WHEN EXISTS (SELECT FROM fixed f WHERE (f.record_id, f.part, f.delivery_id) = (r.record_id, r.part, p.id)) THEN 'already'
            WHEN p.status = 'closed' OR EXISTS (
                SELECT FROM fixed f WHERE f.record_id = r.record_id AND (f.part IN (r.part, 'whole') OR r.part = 'whole')
            ) THEN 'late'
            WHEN p.status = 'incomplete' THEN 'deferred'
            ELSE 'kept' END AS fate
        FROM p_records r LEFT JOIN p_deliveries p ON p.action = r.bills_action AND p.business_key = r.bills_key
    )
    UPDATE p_records r SET delivery_id = fates.delivery_id, fate = fates.fate,
        was = (SELECT max(a.state) FROM allocations a WHERE a.record_id = r.record_id AND a.part = r.part AND a.role = 'bills')
    FROM fates WHERE fates.record_id = r.record_id AND fates.part = r.part
""")
_REMOVE = sa.text(f"""
    WITH gone AS (
        DELETE FROM allocations a WHERE a.role = 'bills'
        AND a.record_id IN (SELECT record_id FROM p_records GROUP BY record_id HAVING bool_and(fate = 'kept'))
        AND NOT EXISTS (SELECT FROM deliveries d WHERE d.id = a.delivery_id AND NOT {open_to_change("d")})
        RETURNING a.delivery_id
    ), left_behind AS (
        SELECT DISTINCT delivery_id FROM gone
        WHERE delivery_id IS NOT NULL AND delivery_id NOT IN (SELECT id FROM p_deliveries)
    )
    UPDATE deliveries d SET state = 'waiting', reason = '{INCOMPLETE}', changed_at = clock_timestamp()
    FROM left_behind WHERE d.id = left_behind.delivery_id
""")
_ABANDON = sa.text(f"""
    WITH emptied AS (
        UPDATE deliveries d SET state = 'skipped', reason = '{SUPERSEDED}'
        WHERE d.pipeline = :pipeline AND d.state = 'waiting' AND d.reason = '{INCOMPLETE}'
        AND NOT EXISTS (SELECT FROM allocations a WHERE a.delivery_id = d.id) RETURNING d.business_key
    )
    UPDATE deliveries d SET state = 'skipped', reason = '{SUPERSEDED}', changed_at = clock_timestamp()
    FROM emptied WHERE d.business_key = emptied.business_key AND d.pipeline = :pipeline AND d.attempt = 0
    AND d.state IN ('planned', 'waiting') AND coalesce(d.reason, '') <> '{INCOMPLETE}'
    AND d.id NOT IN (SELECT id FROM p_deliveries)
""")
_RELEASE_COMPANIONS = sa.text(f"""
    UPDATE source_records r SET to_plan = true FROM allocations a JOIN deliveries d ON d.id = a.delivery_id
    WHERE r.id = a.record_id AND d.pipeline = :pipeline AND d.state = 'waiting' AND d.reason = '{INCOMPLETE}' AND NOT r.to_plan
""")
_ALLOCATE = sa.text("""
    INSERT INTO allocations (record_id, part, pipeline, delivery_id, state, reason, error_class, errors, amount, currency)
    SELECT record_id, part, :pipeline, delivery_id, state, reason, error_class, errors, amount, currency
    FROM p_records WHERE fate = 'kept' ORDER BY record_id, part
    ON CONFLICT (record_id, part) WHERE role = 'bills' DO NOTHING
""")
_CLEAR = sa.text("""
    UPDATE source_records s SET to_plan = r.to_plan FROM (
        SELECT record_id, bool_or(to_plan) AS to_plan, max(hash) AS hash FROM p_records GROUP BY record_id
        HAVING bool_and(fate IN ('kept', 'already'))
    ) r WHERE s.id = r.record_id AND s.to_plan <> r.to_plan AND (r.hash IS NULL OR r.hash = s.hash)
""")
_CHANGED = sa.text("""
    INSERT INTO changed (record_id, key, amount, currency, claimed)
    SELECT r.record_id, s.key, s.amount, s.currency, true FROM p_records r JOIN source_records s ON s.id = r.record_id
    JOIN LATERAL (SELECT sum(a.amount) AS amount FROM allocations a WHERE a.record_id = r.record_id AND a.role = 'bills') b ON true
    WHERE r.fate = 'already' AND s.amount IS DISTINCT FROM b.amount GROUP BY r.record_id, s.key, s.amount, s.currency
""")

_FIND_SUBJECT = sa.text("""
    UPDATE p_findings f SET delivery_id = p.id FROM p_deliveries p WHERE p.action = f.action AND p.business_key = f.business_key
""")
_DROP_FINDINGS = sa.text("""
    DELETE FROM findings f WHERE f.planned AND (
        f.delivery_id IN (SELECT id FROM p_deliveries WHERE status IN ('open', 'same'))
        OR f.delivery_id IS NULL AND f.record_id IN (SELECT record_id FROM p_records WHERE fate = 'kept')
    )
""")
_ADD_FINDINGS = sa.text("""
    INSERT INTO findings (delivery_id, record_id, run_id, planned, kind, line, sentence, breached, expected, actual, difference, limit_value,
        rule, amount, currency)
    SELECT p.delivery_id, p.record_id, :run, true, p.kind, p.line, p.sentence, p.breached, p.expected, p.actual, p.difference, p.limit_value,
        p.rule, p.amount, p.currency
    FROM p_findings p WHERE NOT EXISTS (
        SELECT FROM findings f WHERE f.kind = p.kind AND f.sentence = p.sentence
        AND (f.delivery_id = p.delivery_id OR p.delivery_id IS NULL AND f.delivery_id IS NULL AND f.record_id = p.record_id)
    ) ORDER BY p.n
""")
_COMPARE_TOTALS = sa.text("""
    INSERT INTO findings (delivery_id, run_id, planned, kind, sentence, expected, actual, difference)
    SELECT d.id, :run, true, 'allocation_total',
        concat(d.business_key, ': its records add up to ', sum(a.amount), ' ', d.currency, ', its payload to ', d.amount, '.'),
        sum(a.amount), d.amount, d.amount - sum(a.amount)
    FROM p_deliveries p JOIN deliveries d ON d.id = p.id JOIN allocations a ON a.delivery_id = d.id AND a.role = 'bills'
    WHERE p.status IN ('fresh', 'open', 'same') AND d.amount IS NOT NULL GROUP BY d.id HAVING sum(a.amount) <> d.amount
""")

_DELIVERY_EVENTS = sa.text("""
    INSERT INTO events (document, kind, sentence)
    SELECT d.pipeline || '/' || d.action || '/' || d.business_key, CASE WHEN p.status = 'fresh' THEN 'planned' ELSE 'planned_again' END,
        concat_ws(': ', d.state, d.reason)
    FROM p_deliveries p JOIN deliveries d ON d.id = p.id WHERE p.status IN ('fresh', 'open') ORDER BY d.id
""")
_RECORD_EVENTS = sa.text("""
    INSERT INTO events (document, kind, sentence)
    SELECT s.source || '/' || s.kind || '/' || s.key, p.state, coalesce(p.reason, p.state)
    FROM p_records p JOIN source_records s ON s.id = p.record_id
    WHERE p.fate = 'kept' AND p.state IN ('dead', 'held', 'skipped') AND p.state IS DISTINCT FROM p.was ORDER BY s.id, p.part
""")

_COUNTS = sa.text("""
    SELECT count(*) FILTER (WHERE status = 'fresh') AS planned, count(*) FILTER (WHERE status = 'open') AS replaced,
        count(*) FILTER (WHERE status IN ('same', 'closed', 'incomplete')) AS unchanged FROM p_deliveries
""")
RECORDS = script(
    _FATE, _REMOVE, _ABANDON, _RELEASE_COMPANIONS, _ALLOCATE, _CLEAR, _CHANGED, REPORT_CHANGED_AFTER_CLAIM, HOLD_CHANGED_AFTER_CLAIM,
    _FIND_SUBJECT, _DROP_FINDINGS, _ADD_FINDINGS, _COMPARE_TOTALS, _DELIVERY_EVENTS, _RECORD_EVENTS, _COUNTS,
)  # fmt: skip
LATE = sa.text("""
    SELECT DISTINCT r.record_id, coalesce(r.bills_key, d.business_key) AS business_key
    FROM p_records r LEFT JOIN allocations a ON a.record_id = r.record_id AND a.role = 'bills' AND a.delivery_id IS NOT NULL
    LEFT JOIN deliveries d ON d.id = a.delivery_id WHERE r.fate = 'late' ORDER BY 1, 2
""")
