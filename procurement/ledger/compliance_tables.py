"""The tables of compliance: purchased lines in typed columns, for what is asked of all of them, and the register of violations."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from procurement.ledger.tables import metadata

_MOMENT = sa.DateTime(timezone=True)

purchased_lines = sa.Table(
    "purchased_lines", metadata,
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("source_records.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("po_number", sa.Text, nullable=False),
    sa.Column("ordered_at", _MOMENT, nullable=False),
    sa.Column("buyer", sa.Text, nullable=False),
    sa.Column("cost_center", sa.Text, nullable=False),
    sa.Column("seller", sa.Text, nullable=False),
    sa.Column("seller_name", sa.Text, nullable=False),
    sa.Column("commodity", sa.Text, nullable=False),
    sa.Column("asin", sa.Text, nullable=False),
    sa.Column("contract", sa.Text, nullable=False),  # empty: no contract has the article
    sa.Column("quantity", sa.Numeric, nullable=False),
    sa.Column("amount", sa.Numeric, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("terms", JSONB),  # as they were when the order was first judged
    sa.CheckConstraint("standing IN ('on_contract', 'off_contract', 'cancelled')", name="purchased_lines_standing_known"),
    sa.Index("ix_purchased_lines_buyer", "source", "buyer", "ordered_at"),
    sa.Index("ix_purchased_lines_cost_center", "source", "cost_center", "ordered_at"),
    sa.Index("ix_purchased_lines_contract", "source", "contract", "asin", "ordered_at"),
)  # fmt: skip

violations = sa.Table(
    "violations", metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("source_records.id"), nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("purchase", sa.Text, nullable=False),
    sa.Column("po_number", sa.Text),
    sa.Column("orders", JSONB, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("shared", sa.Text),
    sa.Column("buyer", sa.Text, nullable=False),
    sa.Column("cost_center", sa.Text, nullable=False),
    sa.Column("seller", sa.Text, nullable=False),
    sa.Column("commodity", sa.Text, nullable=False),
    sa.Column("amount", sa.Numeric, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("evidence", JSONB, nullable=False),
    sa.Column("told", sa.Text, nullable=False),
    sa.Column("found_at", _MOMENT, nullable=False),  # business time, as all moments here
    sa.Column("act_by", sa.Date, nullable=False),
    sa.Column("told_at", _MOMENT),
    sa.Column("closed_at", _MOMENT),
    sa.Column("closed_because", sa.Text),
    sa.Column("times", sa.Integer, nullable=False, server_default=sa.text("1")),
    sa.Column("reminded_at", _MOMENT),
    sa.Column("escalated_at", _MOMENT),
    sa.UniqueConstraint("source", "key"),
    sa.Index("ix_violations_record", "record_id"),
    sa.Index("ix_violations_open", "source", "subject", postgresql_where=sa.text("closed_at IS NULL")),
)  # fmt: skip
