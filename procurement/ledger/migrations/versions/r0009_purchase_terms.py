"""The contract terms of each purchased line, as they were when its order was first judged; null where none were kept."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql("ALTER TABLE purchased_lines ADD COLUMN terms JSONB")


def downgrade() -> None:
    raise NotImplementedError("the ledger is evidence: migrations only go forward")
