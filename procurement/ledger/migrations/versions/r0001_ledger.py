"""The first ledger: source records, deliveries, attempts, findings, events, and what runs need beside them.

Written out as SQL so that it stays what it was when `tables.py` moves on. `name_range` gives `coverage` its exclusion
constraint without an extension. The events' trigger computes the hash chain, so no writer can forge it.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TYPE name_range AS RANGE (subtype = text);

CREATE TABLE coverage (
    pipeline TEXT NOT NULL,
    range TSTZRANGE NOT NULL,
    CONSTRAINT coverage_never_overlaps EXCLUDE USING gist (name_range(pipeline, pipeline, '[]') WITH &&, range WITH &&)
);

CREATE TABLE events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    document TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    kind TEXT NOT NULL,
    sentence TEXT NOT NULL,
    prev_hash TEXT DEFAULT '' NOT NULL,
    hash TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id),
    CONSTRAINT uq_events_document_prev_hash UNIQUE (document, prev_hash)
);
CREATE INDEX ix_events_document ON events (document, id);

CREATE TABLE notices (
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    body JSON NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_notices PRIMARY KEY (key)
);
CREATE INDEX ix_notices_pending ON notices (created_at) WHERE sent_at IS NULL;

CREATE TABLE open_documents (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    next_read TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_open_documents PRIMARY KEY (kind, key)
);
CREATE INDEX ix_open_documents_next_read ON open_documents (kind, next_read);

CREATE TABLE rate_buckets (
    name TEXT NOT NULL,
    rate DOUBLE PRECISION NOT NULL,
    burst INTEGER NOT NULL,
    next_slot TIMESTAMP WITH TIME ZONE DEFAULT 'epoch' NOT NULL,
    blocked_until TIMESTAMP WITH TIME ZONE DEFAULT 'epoch' NOT NULL,
    pushed DOUBLE PRECISION DEFAULT 0 NOT NULL,
    CONSTRAINT pk_rate_buckets PRIMARY KEY (name)
);

CREATE TABLE runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    dag_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    now TIMESTAMP WITH TIME ZONE NOT NULL,
    window_from TIMESTAMP WITH TIME ZONE,
    window_to TIMESTAMP WITH TIME ZONE,
    dry_run BOOLEAN DEFAULT false NOT NULL,
    tally JSONB DEFAULT '{}' NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_runs PRIMARY KEY (id),
    CONSTRAINT uq_runs_dag_id_run_id UNIQUE (dag_id, run_id)
);

CREATE TABLE source_records (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    hash TEXT NOT NULL,
    amount NUMERIC,
    currency TEXT,
    group_key TEXT,
    dated_at TIMESTAMP WITH TIME ZONE,
    subkind TEXT,
    first_seen TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    to_plan BOOLEAN DEFAULT true NOT NULL,
    CONSTRAINT pk_source_records PRIMARY KEY (id),
    CONSTRAINT uq_source_records_source_kind_key UNIQUE (source, kind, key)
);
CREATE INDEX ix_source_records_group ON source_records (source, kind, group_key);
CREATE INDEX ix_source_records_to_plan ON source_records (source, kind, id) WHERE to_plan;

CREATE TABLE deliveries (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    pipeline TEXT NOT NULL,
    action TEXT NOT NULL,
    business_key TEXT NOT NULL,
    after_id BIGINT,
    required BOOLEAN DEFAULT true NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    outcome TEXT,
    payload JSON NOT NULL,
    hash TEXT NOT NULL,
    attempt INTEGER DEFAULT 0 NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    target_id TEXT,
    facts JSON DEFAULT '{}' NOT NULL,
    amount NUMERIC,
    currency TEXT,
    total NUMERIC,
    error_class TEXT,
    errors JSONB DEFAULT '[]' NOT NULL,
    mapping_version TEXT,
    policy_version TEXT,
    planned_by BIGINT,
    due_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_deliveries PRIMARY KEY (id),
    CONSTRAINT uq_deliveries_pipeline_action_business_key UNIQUE (pipeline, action, business_key),
    CONSTRAINT deliveries_state_known CHECK (state IN ('planned', 'sending', 'delivered', 'waiting', 'held', 'skipped', 'dead')),
    CONSTRAINT fk_deliveries_after_id FOREIGN KEY(after_id) REFERENCES deliveries (id),
    CONSTRAINT fk_deliveries_planned_by FOREIGN KEY(planned_by) REFERENCES runs (id)
);
CREATE INDEX ix_deliveries_after ON deliveries (after_id);
CREATE INDEX ix_deliveries_business_key ON deliveries (business_key);
CREATE INDEX ix_deliveries_open ON deliveries (pipeline, due_at) WHERE state IN ('planned', 'waiting', 'sending');
CREATE INDEX ix_deliveries_stuck ON deliveries (state) WHERE state IN ('dead', 'held');

CREATE TABLE plans (
    run_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    row JSON NOT NULL,
    CONSTRAINT pk_plans PRIMARY KEY (run_id, n),
    CONSTRAINT fk_plans_run_id FOREIGN KEY(run_id) REFERENCES runs (id)
);

CREATE TABLE record_lines (
    record_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    order_id TEXT,
    order_line_id TEXT,
    shipment_id TEXT,
    quantity NUMERIC,
    amount NUMERIC,
    CONSTRAINT pk_record_lines PRIMARY KEY (record_id, n),
    CONSTRAINT fk_record_lines_record_id FOREIGN KEY(record_id) REFERENCES source_records (id)
);
CREATE INDEX ix_record_lines_order_line ON record_lines (order_id, order_line_id);

CREATE TABLE run_records (
    run_id BIGINT NOT NULL,
    record_id BIGINT NOT NULL,
    CONSTRAINT pk_run_records PRIMARY KEY (run_id, record_id),
    CONSTRAINT fk_run_records_run_id FOREIGN KEY(run_id) REFERENCES runs (id),
    CONSTRAINT fk_run_records_record_id FOREIGN KEY(record_id) REFERENCES source_records (id)
);
CREATE INDEX ix_run_records_record ON run_records (record_id);

CREATE TABLE source_versions (
    record_id BIGINT NOT NULL,
    hash TEXT NOT NULL,
    raw JSON NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_source_versions PRIMARY KEY (record_id, hash),
    CONSTRAINT fk_source_versions_record_id FOREIGN KEY(record_id) REFERENCES source_records (id)
);

CREATE TABLE allocations (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    record_id BIGINT NOT NULL,
    part TEXT NOT NULL,
    role TEXT DEFAULT 'bills' NOT NULL,
    pipeline TEXT NOT NULL,
    delivery_id BIGINT,
    state TEXT,
    reason TEXT,
    error_class TEXT,
    errors JSONB DEFAULT '[]' NOT NULL,
    amount NUMERIC,
    currency TEXT,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_allocations PRIMARY KEY (id),
    CONSTRAINT allocations_delivery_or_state CHECK ((delivery_id IS NULL) <> (state IS NULL)),
    CONSTRAINT fk_allocations_record_id FOREIGN KEY(record_id) REFERENCES source_records (id),
    CONSTRAINT fk_allocations_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id)
);
CREATE INDEX ix_allocations_delivery ON allocations (delivery_id);
CREATE INDEX ix_allocations_stuck ON allocations (state) WHERE state IN ('dead', 'held');
CREATE UNIQUE INDEX uq_allocations_bills ON allocations (record_id, part) WHERE role = 'bills';

CREATE TABLE attempts (
    delivery_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    outcome TEXT,
    answered_at TIMESTAMP WITH TIME ZONE,
    target_id TEXT,
    error TEXT,
    CONSTRAINT pk_attempts PRIMARY KEY (delivery_id, n),
    CONSTRAINT fk_attempts_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id)
);
CREATE INDEX ix_attempts_unanswered ON attempts (delivery_id) WHERE outcome IS NULL;

CREATE TABLE findings (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    delivery_id BIGINT,
    record_id BIGINT,
    run_id BIGINT,
    planned BOOLEAN DEFAULT false NOT NULL,
    kind TEXT NOT NULL,
    line TEXT,
    sentence TEXT NOT NULL,
    breached BOOLEAN DEFAULT true NOT NULL,
    expected TEXT,
    actual TEXT,
    difference TEXT,
    limit_value TEXT,
    found_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_findings PRIMARY KEY (id),
    CONSTRAINT findings_about_something CHECK (delivery_id IS NOT NULL OR record_id IS NOT NULL),
    CONSTRAINT fk_findings_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id),
    CONSTRAINT fk_findings_record_id FOREIGN KEY(record_id) REFERENCES source_records (id),
    CONSTRAINT fk_findings_run_id FOREIGN KEY(run_id) REFERENCES runs (id)
);
CREATE INDEX ix_findings_delivery ON findings (delivery_id);
CREATE INDEX ix_findings_record ON findings (record_id);
"""

EVENTS = """
CREATE FUNCTION chain_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.prev_hash := coalesce((SELECT hash FROM events WHERE document = NEW.document ORDER BY id DESC LIMIT 1), '');
    NEW.hash := encode(sha256(convert_to(concat_ws(
        E'\\x1f', NEW.prev_hash, NEW.document, to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), NEW.kind, NEW.sentence
    ), 'UTF8')), 'hex');
    RETURN NEW;
END $$;
CREATE TRIGGER events_are_chained BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION chain_event();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = 'events are append-only: ' || TG_OP || ' refused';
END $$;
CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(TABLES)
    op.get_bind().exec_driver_sql(EVENTS)


def downgrade() -> None:
    raise NotImplementedError("the ledger is evidence: migrations only go forward")
