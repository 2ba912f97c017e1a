"""The SQL behind `deliveries`: claims and outcomes as compare-and-set, chains, questions."""

import sqlalchemy as sa

from procurement.ledger.changes import DISCARDED, open_to_change, unanswered

_IN_SCOPE = "(d.scope IS NULL OR CAST(:scope AS text) IS NULL OR d.scope = :scope)"
BLOCKED = "waits behind "  # begins the reason of a row whose predecessor is stuck

DUE = sa.text(f"""
    SELECT d.id, d.action FROM deliveries d LEFT JOIN deliveries p ON p.id = d.after_id
    WHERE d.pipeline = :pipeline AND d.state = 'planned' AND d.due_at <= clock_timestamp() AND {_IN_SCOPE}
    AND (d.after_id IS NULL OR p.state = 'delivered') AND NOT {unanswered("d")} AND NOT d.id = ANY(:excluding)
    ORDER BY d.id LIMIT :limit
""")
PEEK = sa.text(f"""
    SELECT d.id, d.action, d.business_key, d.payload, d.hash, d.attempt, p.target_id AS after_target_id, coalesce(p.facts, '{{}}') AS after_facts
    FROM deliveries d LEFT JOIN deliveries p ON p.id = d.after_id WHERE d.id = :id AND d.state = 'planned' AND NOT {unanswered("d")}
""")
# Only what was looked at: a plan that changed meanwhile stays for the next look.
STOP = sa.text(f"""
    UPDATE deliveries d SET state = :state, reason = :reason, errors = CAST(:errors AS jsonb), error_class = :error_class,
        changed_at = clock_timestamp()
    WHERE d.id = :id AND d.state = 'planned' AND d.hash = :hash AND NOT {unanswered("d")}
""")
SKIP_CHAIN = sa.text(f"""
    WITH RECURSIVE chain AS (
        SELECT id, business_key FROM deliveries WHERE id = :id
        UNION SELECT d.id, d.business_key FROM deliveries d JOIN chain c ON d.after_id = c.id AND d.business_key = c.business_key
    )
    UPDATE deliveries d SET state = 'skipped', reason = :reason, changed_at = clock_timestamp()
    WHERE d.id IN (SELECT id FROM chain) AND d.state IN ('planned', 'waiting') AND NOT {unanswered("d")}
""")
PLAN_AGAIN = sa.text("""
    UPDATE source_records r SET to_plan = true FROM allocations a WHERE a.record_id = r.id AND a.role = 'bills' AND a.delivery_id = :id
""")
CLAIM = sa.text(f"""
    WITH claimed AS (
        UPDATE deliveries d SET state = 'sending', attempt = attempt + 1, sent_at = clock_timestamp(), changed_at = clock_timestamp()
        WHERE id = :id AND state = 'planned' AND hash = coalesce(:hash, hash) AND NOT {unanswered("d")}
        AND (after_id IS NULL OR EXISTS (SELECT FROM deliveries p WHERE p.id = d.after_id AND p.state = 'delivered'))
        RETURNING id, action, business_key, payload, attempt, after_id, sent_at
    ), logged AS (
        INSERT INTO attempts (delivery_id, n, sent_at) SELECT id, attempt, sent_at FROM claimed
    )
    SELECT c.id, c.action, c.business_key, c.payload, c.attempt, p.target_id AS after_target_id
    FROM claimed c LEFT JOIN deliveries p ON p.id = c.after_id
""")
# Two transforms at once may both settle chains: rows in order of id, and those another process holds are left to it.
BLOCK_CHAINS = sa.text(f"""
    UPDATE deliveries d SET state = 'waiting', reason = b.reason, changed_at = clock_timestamp()
    FROM (
        SELECT s.id, '{BLOCKED}' || p.action || ' ' || p.business_key || ', which is ' || p.state AS reason
        FROM deliveries s JOIN deliveries p ON p.id = s.after_id
        WHERE s.pipeline = :pipeline AND s.state = 'planned' AND NOT {unanswered("s")} AND (
            p.state IN ('dead', 'held', 'skipped') OR p.state = 'waiting' AND p.reason LIKE '{BLOCKED}%'
        ) ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
    ) b WHERE d.id = b.id
""")
RELEASE_CHAINS = sa.text(f"""
    UPDATE deliveries d SET state = 'planned', reason = NULL, changed_at = clock_timestamp()
    FROM (
        SELECT s.id FROM deliveries s JOIN deliveries p ON p.id = s.after_id
        WHERE s.pipeline = :pipeline AND s.state = 'waiting' AND s.reason LIKE '{BLOCKED}%'
        AND p.state IN ('delivered', 'planned', 'sending')
        ORDER BY s.id FOR UPDATE OF s SKIP LOCKED
    ) b WHERE d.id = b.id
""")
# An outcome of a send needs the row `sending`; the answer to a question also settles a replayed row that is `planned` again.
_MINE = f"""
    d.id = :id AND d.attempt = :n
    AND (d.state = 'sending' OR :question AND d.state IN ('planned', 'waiting') AND {unanswered("d")})
"""
REFUSED = "refused"  # the outcome of a row whose target said no for good
DELIVERED = sa.text(f"""
    UPDATE deliveries d SET state = CASE WHEN CAST(:refused AS text) IS NULL THEN 'delivered' ELSE 'held' END, reason = :refused,
        outcome = CASE WHEN CAST(:refused AS text) IS NULL THEN outcome ELSE '{REFUSED}' END, target_id = :target, total = :total,
        facts = CAST(:facts AS json), error_class = CASE WHEN CAST(:refused AS text) IS NULL THEN NULL ELSE 'policy' END, errors = '[]',
        changed_at = clock_timestamp()
    WHERE {_MINE} RETURNING d.id
""")
ANSWER_DELIVERED = sa.text("""
    UPDATE attempts SET outcome = CASE WHEN n = :n THEN :outcome ELSE 'settled' END, answered_at = clock_timestamp(),
        target_id = CASE WHEN n = :n THEN :target ELSE target_id END
    WHERE delivery_id = :id AND (n = :n OR outcome IS NULL)
""")
OUTCOME = sa.text(f"""
    UPDATE deliveries d SET state = :state, reason = :reason, error_class = :error_class, errors = CAST(:errors AS jsonb),
        due_at = clock_timestamp() + :due_in * interval '1 second', changed_at = clock_timestamp()
    WHERE {_MINE}
""")
ANSWER = sa.text("""
    UPDATE attempts SET outcome = :outcome, error = :error, answered_at = clock_timestamp() WHERE delivery_id = :id AND n = :n
""")
NOTE_ERROR = sa.text("UPDATE attempts SET error = :error WHERE delivery_id = :id AND n = :n")
NOT_FOUND = sa.text(f"""
    UPDATE deliveries d SET state = CASE WHEN a.lost >= :most THEN 'dead' ELSE 'planned' END,
        reason = CASE WHEN a.lost >= :most THEN 'sent ' || a.lost || ' times, and the target never had it' END,
        error_class = CASE WHEN a.lost >= :most THEN 'transient' END,
        errors = CASE WHEN a.lost >= :most THEN a.errors ELSE '[]' END,
        due_at = clock_timestamp(), changed_at = clock_timestamp()
    FROM (
        SELECT count(*) AS lost, coalesce(jsonb_agg(error ORDER BY n) FILTER (WHERE error IS NOT NULL), '[]') AS errors
        FROM attempts WHERE delivery_id = :id AND (outcome IS NULL OR outcome = 'not_found')
    ) a
    WHERE d.id = :id AND d.attempt = :n AND d.state IN ('sending', 'planned', 'waiting') AND {unanswered("d")} RETURNING d.state
""")
CLOSE_ATTEMPTS = sa.text(
    "UPDATE attempts SET outcome = :outcome, answered_at = clock_timestamp() WHERE delivery_id = :id AND outcome IS NULL"
)
TO_ASK = sa.text(f"""
    SELECT d.id, d.action, d.business_key, d.payload, d.attempt, p.target_id AS after_target_id
    FROM deliveries d LEFT JOIN deliveries p ON p.id = d.after_id
    WHERE d.pipeline = :pipeline AND d.state IN ('sending', 'planned', 'waiting') AND {unanswered("d")}
    AND {_IN_SCOPE} AND d.sent_at <= clock_timestamp() - :wait * interval '1 second'
    ORDER BY d.sent_at, d.id LIMIT :limit
""")
UNANSWERED = sa.text(f"""
    SELECT count(*) FROM deliveries d
    WHERE d.pipeline = :pipeline AND d.state IN ('sending', 'planned', 'waiting') AND {unanswered("d")}
""")
SKIP = sa.text(f"""
    UPDATE deliveries d SET state = 'skipped', reason = :reason, changed_at = clock_timestamp() WHERE d.id = :id AND {open_to_change("d")}
""")
_KNOWN = f"""
    SELECT d.id, d.action, d.business_key, d.state, NOT {open_to_change("d")} AS claimed, d.target_id, d.outcome, d.reason,
        d.amount, d.currency, d.facts FROM deliveries d
"""
KNOWN = sa.text(f"{_KNOWN} WHERE d.pipeline = :pipeline AND d.action = :action AND d.business_key = ANY(:keys)")
KNOWN_PREFIXED = sa.text(
    f"{_KNOWN} WHERE d.pipeline = :pipeline AND d.action = :action AND d.business_key LIKE ANY(:prefixes) ORDER BY d.id"
)
LATEST = sa.text(f"""
    {_KNOWN} WHERE d.id IN (
        SELECT max(x.id) FROM deliveries x WHERE x.pipeline = :pipeline AND x.action = :action
        AND (NOT :delivered OR x.state = 'delivered') GROUP BY regexp_replace(x.business_key, '/[0-9]+$', '')
    )
""")
# The last part of a business key is the document's number. All zeros and punctuation are dropped to find it again: more
# than needed, which the caller sorts out. Each of the three ways has an index of its own.
_DROPPED = "0-_./ #:"
ALIKE = sa.text(f"""
    SELECT d.business_key, d.state, d.amount, d.currency, d.payload, d.target_id FROM deliveries d
    WHERE d.pipeline = :pipeline AND d.action = :action AND d.state NOT IN ('skipped', 'dead') AND d.amount IS NOT NULL
    AND d.id = ANY(ARRAY(
        SELECT x.id FROM unnest(CAST(:po_lines AS text[])) AS billed (po_line)
        JOIN delivery_subjects s ON s.subject = billed.po_line JOIN deliveries x ON x.id = s.delivery_id AND x.amount = ANY(:amounts)
        UNION
        SELECT x.id FROM deliveries x
        WHERE x.amount IS NOT NULL AND translate(lower(split_part(x.business_key, '/', 3)), '{_DROPPED}', '') = ANY(
            ARRAY(SELECT translate(lower(number), '{_DROPPED}', '') FROM unnest(CAST(:numbers AS text[])) AS number)
        )
        UNION
        SELECT a.delivery_id FROM allocations a
        WHERE a.role = 'bills' AND a.delivery_id IS NOT NULL AND a.record_id = ANY(ARRAY(
            SELECT l.record_id FROM unnest(CAST(:orders AS text[]), CAST(:lines AS text[])) AS wanted (order_id, order_line_id)
            JOIN record_lines l ON l.order_id = wanted.order_id AND l.order_line_id = wanted.order_line_id
            JOIN source_records r ON r.id = l.record_id AND r.source = :source
        ))
    )) ORDER BY d.id
""")
# A target id may name several documents. `= ANY` over a long array is hashed, so one pass over the deliveries is enough.
OF_TARGETS = sa.text(f"""
    {_KNOWN} WHERE d.id IN (
        SELECT x.id FROM deliveries x CROSS JOIN LATERAL unnest(string_to_array(x.target_id, ', ')) AS named (target)
        WHERE x.pipeline = :pipeline AND x.action = :action AND x.state = 'delivered' AND named.target = ANY(:targets)
    ) ORDER BY d.id
""")
# Answered for good, by yes or by no, and nothing of `follower` under the same key yet.
WITHOUT_FOLLOWER = sa.text(f"""
    {_KNOWN} WHERE d.pipeline = :pipeline AND d.action = :action AND (d.state = 'delivered' OR d.state = 'held' AND d.outcome = '{REFUSED}')
    AND NOT EXISTS (
        SELECT FROM deliveries f WHERE f.pipeline = d.pipeline AND f.action = :follower AND f.business_key = d.business_key
    ) ORDER BY d.id
""")
DELIVERED_IN = sa.text("""
    SELECT count(*) FROM deliveries WHERE pipeline = :pipeline AND action = ANY(:actions) AND state = 'delivered'
    AND changed_at >= (SELECT opened_at FROM runs WHERE id = :run)
""")
WAITING = sa.text(f"""
    SELECT id FROM deliveries WHERE pipeline = :pipeline AND action = ANY(:actions) AND state = 'waiting'
    AND coalesce(reason, '') NOT LIKE '{BLOCKED}%' ORDER BY id
""")
LOOK_AGAIN = sa.text(f"""
    UPDATE deliveries d SET state = 'planned', reason = NULL, changed_at = clock_timestamp()
    WHERE d.id = ANY(:ids) AND d.state = 'waiting' AND NOT {unanswered("d")}
""")
PAYLOADS = sa.text("SELECT id, payload FROM deliveries WHERE id = ANY(:ids)")
BY_OUTCOME = sa.text(f"{_KNOWN} WHERE d.pipeline = :pipeline AND d.outcome = :outcome ORDER BY d.id")
# What the target had not finished with when it last answered; the facts are the pipeline's own words.
UNFINISHED = sa.text(f"""
    {_KNOWN} WHERE d.pipeline = :pipeline AND d.action = :action AND d.state = 'delivered'
    AND coalesce(CAST(d.facts AS jsonb) ->> 'status', '') <> ALL(:finished) ORDER BY d.id
""")
NOTE_FACTS = sa.text("""
    UPDATE deliveries SET facts = CAST(CAST(facts AS jsonb) || CAST(:facts AS jsonb) AS json) WHERE id = :id
""")
VARIANCES = sa.text("SELECT id, variance FROM deliveries WHERE id = ANY(:ids) AND variance IS NOT NULL")
SET_OUTCOME = sa.text("""
    UPDATE deliveries SET outcome = :outcome, variance = CAST(:variance AS jsonb) WHERE id = :id
""")
COMPARE_TOTAL = sa.text("""
    INSERT INTO findings (delivery_id, kind, sentence, expected, actual, difference)
    SELECT id, 'total_read_back', concat(business_key, ': sent ', amount, ' ', currency, ', the target shows ', CAST(:total AS numeric), ' ',
        CAST(:currency AS text), '.'), amount, CAST(:total AS numeric), CAST(:total AS numeric) - amount
    FROM deliveries WHERE id = :id AND amount IS NOT NULL AND CAST(:total AS numeric) IS NOT NULL
    AND (amount <> CAST(:total AS numeric) OR currency <> CAST(:currency AS text))
""")
LOCK = sa.text("SELECT id FROM deliveries WHERE id = :id FOR UPDATE")
# Where the row is to be sent again, the late confirmation makes it a question again: it is there already.
NOTE_LATE = sa.text("""
    UPDATE attempts a SET target_id = :target, answered_at = clock_timestamp(),
        outcome = CASE WHEN d.state IN ('planned', 'waiting', 'held', 'dead') THEN NULL ELSE coalesce(a.outcome, 'late') END
    FROM deliveries d WHERE d.id = :id AND a.delivery_id = :id AND a.n = :n
""")
ALARM = sa.text("""
    INSERT INTO findings (delivery_id, kind, sentence, expected, actual)
    SELECT d.id, 'second_target', concat('ALARM: ', d.business_key, ' is in the target twice: as ', o.target_id, ' and as ',
        CAST(:target AS text), '. Cancel one of them there.'), o.target_id, :target
    FROM deliveries d JOIN LATERAL (
        SELECT target_id FROM attempts WHERE delivery_id = d.id AND target_id <> :target
        UNION SELECT d.target_id WHERE d.target_id <> :target LIMIT 1
    ) o ON true WHERE d.id = :id RETURNING sentence
""")
CONFIRMED_AFTER_DISCARD = sa.text("""
    INSERT INTO findings (delivery_id, kind, sentence, actual)
    SELECT id, 'confirmed_after_discard', concat(business_key, ' was discarded, and yet the target made it: ', CAST(:target AS text),
        '. Cancel it there, or accept it.'), :target
    FROM deliveries WHERE id = :id AND state = 'skipped'
""")
REPLAY = sa.text(f"""
    UPDATE deliveries SET state = 'planned', reason = NULL, due_at = clock_timestamp(), changed_at = clock_timestamp()
    WHERE id = :id AND state IN ('dead', 'held') AND outcome IS DISTINCT FROM '{REFUSED}'
""")
IS_REFUSED = sa.text(f"SELECT state = 'held' AND outcome = '{REFUSED}' FROM deliveries WHERE id = :id")
SETTLE_REFUSED = sa.text(f"""
    UPDATE deliveries SET state = 'skipped', reason = :reason, changed_at = clock_timestamp()
    WHERE pipeline = :pipeline AND action = :action AND business_key = :key AND state = 'held' AND outcome = '{REFUSED}'
    RETURNING id
""")
DISCARD = sa.text(f"""
    UPDATE deliveries SET state = 'skipped', reason = '{DISCARDED}' || CAST(:reason AS text), changed_at = clock_timestamp()
    WHERE id = :id AND state IN ('dead', 'held')
""")
DISCARD_CHAIN = sa.text(f"""
    WITH RECURSIVE chain AS (
        SELECT id, business_key FROM deliveries WHERE id = :id
        UNION SELECT d.id, d.business_key FROM deliveries d JOIN chain c ON d.after_id = c.id AND d.business_key = c.business_key
    )
    UPDATE deliveries d SET state = 'skipped', reason = '{DISCARDED}' || CAST(:reason AS text), changed_at = clock_timestamp()
    WHERE d.id IN (SELECT id FROM chain) AND d.state IN ('planned', 'waiting') AND NOT {unanswered("d")}
""")
LEFT = sa.text("SELECT count(*) FROM deliveries WHERE pipeline = :pipeline AND state = 'planned'")
DUE_IN = sa.text(f"""
    SELECT min(extract(epoch FROM moment - clock_timestamp())) FROM (
        SELECT d.due_at AS moment FROM deliveries d LEFT JOIN deliveries p ON p.id = d.after_id
        WHERE d.pipeline = :pipeline AND d.state = 'planned' AND (d.after_id IS NULL OR p.state = 'delivered')
        AND NOT {unanswered("d")} AND {_IN_SCOPE}
        UNION ALL
        SELECT d.sent_at + :wait * interval '1 second' FROM deliveries d
        WHERE d.pipeline = :pipeline AND d.state IN ('sending', 'planned', 'waiting') AND {unanswered("d")}
        AND NOT d.id || '/' || d.attempt = ANY(:asked) AND {_IN_SCOPE}
    ) AS moments
""")
