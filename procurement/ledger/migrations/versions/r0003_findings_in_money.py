"""Findings say which rule decided and what they come to; a delivery keeps the difference in money by its causes."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(
        "ALTER TABLE findings ADD COLUMN rule TEXT, ADD COLUMN amount NUMERIC, ADD COLUMN currency TEXT"
    )
    connection.exec_driver_sql("ALTER TABLE deliveries ADD COLUMN variance JSONB")


def downgrade() -> None:
    raise NotImplementedError("the ledger is evidence: migrations only go forward")
