"""Deliveries say by which account they are sent: two Amazon accounts may share a ledger, never an order."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql("ALTER TABLE deliveries ADD COLUMN scope TEXT")


def downgrade() -> None:
    raise NotImplementedError("the ledger is evidence: migrations only go forward")
