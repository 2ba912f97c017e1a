"""Lines of spend in typed columns, so that budgets and reports are summed by the database."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("""
        CREATE TABLE spend_lines (
            record_id BIGINT NOT NULL CONSTRAINT fk_spend_lines_record_id REFERENCES source_records (id),
            line INTEGER NOT NULL,
            spent_on DATE NOT NULL,
            period TEXT NOT NULL,
            counted TEXT NOT NULL,
            currency TEXT NOT NULL,
            minor BIGINT NOT NULL,
            legal_entity TEXT,
            cost_center TEXT,
            department TEXT,
            gl_account TEXT,
            commodity TEXT,
            CONSTRAINT pk_spend_lines PRIMARY KEY (record_id, line)
        )
    """)
    connection.exec_driver_sql("CREATE INDEX ix_spend_lines_period ON spend_lines (period, cost_center)")


def downgrade() -> None:
    raise NotImplementedError("the ledger is evidence: migrations only go forward")
