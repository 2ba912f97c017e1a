"""When whoever must act on a violation was reminded, and when somebody above them was told."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE violations ADD COLUMN reminded_at TIMESTAMP WITH TIME ZONE, ADD COLUMN escalated_at TIMESTAMP WITH TIME ZONE;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(COLUMNS)


def downgrade() -> None:
    raise NotImplementedError("the ledger is evidence: migrations only go forward")
