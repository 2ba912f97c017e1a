"""What deliveries are about (an invoice: the PO lines that it bills), by which they are found; and an index of numbers."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE delivery_subjects (
    subject TEXT NOT NULL,
    delivery_id BIGINT NOT NULL REFERENCES deliveries (id),
    PRIMARY KEY (subject, delivery_id)
);
CREATE INDEX ix_delivery_subjects_delivery ON delivery_subjects (delivery_id);
CREATE INDEX ix_deliveries_number ON deliveries (translate(lower(split_part(business_key, '/', 3)), '0-_./ #:', ''))
    WHERE amount IS NOT NULL;
"""
# Invoices that were planned before say it in their payload alone.
FILL = """
INSERT INTO delivery_subjects (subject, delivery_id)
SELECT DISTINCT line ->> 'order-line-id', c.id
FROM deliveries c CROSS JOIN LATERAL json_array_elements(c.payload -> 'invoice-lines') AS line
WHERE c.action = 'create_invoice' AND json_typeof(c.payload -> 'invoice-lines') = 'array'
AND line ->> 'order-line-id' IS NOT NULL
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(TABLE)
    connection.exec_driver_sql(FILL)


def downgrade() -> None:
    raise NotImplementedError("the ledger is evidence: migrations only go forward")
