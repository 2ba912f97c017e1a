"""Compliance: purchased lines in typed columns, and the register of violations."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE purchased_lines (
    record_id BIGINT NOT NULL,
    n INTEGER NOT NULL,
    source TEXT NOT NULL,
    order_id TEXT NOT NULL,
    po_number TEXT NOT NULL,
    ordered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    buyer TEXT NOT NULL,
    cost_center TEXT NOT NULL,
    seller TEXT NOT NULL,
    seller_name TEXT NOT NULL,
    commodity TEXT NOT NULL,
    asin TEXT NOT NULL,
    contract TEXT NOT NULL,
    quantity NUMERIC NOT NULL,
    amount NUMERIC NOT NULL,
    currency TEXT NOT NULL,
    standing TEXT NOT NULL,
    CONSTRAINT pk_purchased_lines PRIMARY KEY (record_id, n),
    CONSTRAINT purchased_lines_standing_known CHECK (standing IN ('on_contract', 'off_contract', 'cancelled')),
    CONSTRAINT fk_purchased_lines_record_id FOREIGN KEY(record_id) REFERENCES source_records (id)
);
CREATE INDEX ix_purchased_lines_buyer ON purchased_lines (source, buyer, ordered_at);
CREATE INDEX ix_purchased_lines_contract ON purchased_lines (source, contract, asin, ordered_at);
CREATE INDEX ix_purchased_lines_cost_center ON purchased_lines (source, cost_center, ordered_at);

CREATE TABLE violations (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    record_id BIGINT NOT NULL,
    rule TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    action TEXT NOT NULL,
    purchase TEXT NOT NULL,
    po_number TEXT,
    orders JSONB NOT NULL,
    subject TEXT NOT NULL,
    shared TEXT,
    buyer TEXT NOT NULL,
    cost_center TEXT NOT NULL,
    seller TEXT NOT NULL,
    commodity TEXT NOT NULL,
    amount NUMERIC NOT NULL,
    currency TEXT NOT NULL,
    sentence TEXT NOT NULL,
    evidence JSONB NOT NULL,
    told TEXT NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    act_by DATE NOT NULL,
    told_at TIMESTAMP WITH TIME ZONE,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_because TEXT,
    times INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_violations PRIMARY KEY (id),
    CONSTRAINT uq_violations_source_key UNIQUE (source, key),
    CONSTRAINT fk_violations_record_id FOREIGN KEY(record_id) REFERENCES source_records (id)
);
CREATE INDEX ix_violations_open ON violations (source, subject) WHERE closed_at IS NULL;
CREATE INDEX ix_violations_record ON violations (record_id);
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(TABLES)


def downgrade() -> None:
    raise NotImplementedError("the ledger is evidence: migrations only go forward")
