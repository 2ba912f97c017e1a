"""What was read of the adjustments of each budget line, so that a run reads only those that are new."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE budget_books (
    instance TEXT NOT NULL,
    line_id BIGINT NOT NULL,
    read_as TEXT NOT NULL,
    last_id BIGINT NOT NULL,
    consumed NUMERIC NOT NULL,
    held NUMERIC NOT NULL,
    unexplained NUMERIC NOT NULL,
    days JSONB NOT NULL,
    PRIMARY KEY (instance, line_id)
)
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(TABLE)


def downgrade() -> None:
    raise NotImplementedError("the ledger is evidence: migrations only go forward")
