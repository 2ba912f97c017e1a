"""The ledger's tables. The migrations create them; a test holds the two equal.

Moments in `runs.now`, `coverage` and `dated_at` are business time; every other moment is PostgreSQL's own clock.
Raw documents are `json`, not `jsonb`: the text stays as it was read, even where `jsonb` would refuse it.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, JSONB, TSTZRANGE, ExcludeConstraint
from sqlalchemy.sql import expression

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("clock_timestamp()")
_TRUE, _FALSE = expression.true(), expression.false()


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True)


runs = sa.Table(
    "runs", metadata, _id(),
    sa.Column("dag_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("now", _MOMENT, nullable=False),
    sa.Column("window_from", _MOMENT),
    sa.Column("window_to", _MOMENT),
    sa.Column("dry_run", sa.Boolean, nullable=False, server_default=_FALSE),
    sa.Column("tally", JSONB, nullable=False, server_default=sa.text("'{}'")),  # by source: documents, repeats, pages, facts
    sa.Column("opened_at", _MOMENT, nullable=False, server_default=_NOW),
    sa.UniqueConstraint("dag_id", "run_id"),
)  # fmt: skip

# name_range is a range type over text that the first migration creates: it spares the btree_gist extension.
coverage = sa.Table(
    "coverage", metadata,
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("range", TSTZRANGE, nullable=False),
    ExcludeConstraint(
        (sa.text("name_range(pipeline, pipeline, '[]')"), "&&"), ("range", "&&"), using="gist", name="coverage_never_overlaps"
    ),
)  # fmt: skip

source_records = sa.Table(
    "source_records", metadata, _id(),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("amount", sa.Numeric),
    sa.Column("currency", sa.Text),
    sa.Column("group_key", sa.Text),
    sa.Column("dated_at", _MOMENT),
    sa.Column("subkind", sa.Text),
    sa.Column("first_seen", _MOMENT, nullable=False, server_default=_NOW),
    sa.Column("last_seen", _MOMENT, nullable=False, server_default=_NOW),
    sa.Column("to_plan", sa.Boolean, nullable=False, server_default=_TRUE),
    sa.UniqueConstraint("source", "kind", "key"),
    sa.Index("ix_source_records_to_plan", "source", "kind", "id", postgresql_where=sa.text("to_plan")),
    sa.Index("ix_source_records_group", "source", "kind", "group_key"),
)  # fmt: skip

source_versions = sa.Table(
    "source_versions", metadata,
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("source_records.id"), primary_key=True),
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("raw", JSON, nullable=False),
    sa.Column("seen_at", _MOMENT, nullable=False, server_default=_NOW),
)  # fmt: skip

run_records = sa.Table(
    "run_records", metadata,
    sa.Column("run_id", sa.BigInteger, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("source_records.id"), primary_key=True),
    sa.Index("ix_run_records_record", "record_id"),
)  # fmt: skip

record_lines = sa.Table(
    "record_lines", metadata,
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("source_records.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("order_id", sa.Text),
    sa.Column("order_line_id", sa.Text),
    sa.Column("shipment_id", sa.Text),
    sa.Column("quantity", sa.Numeric),
    sa.Column("amount", sa.Numeric),
    sa.Index("ix_record_lines_order_line", "order_id", "order_line_id"),
)  # fmt: skip

deliveries = sa.Table(
    "deliveries", metadata, _id(),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("business_key", sa.Text, nullable=False),
    sa.Column("after_id", sa.BigInteger, sa.ForeignKey("deliveries.id")),
    sa.Column("required", sa.Boolean, nullable=False, server_default=_TRUE),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("payload", JSON, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("sent_at", _MOMENT),
    sa.Column("target_id", sa.Text),
    sa.Column("facts", JSON, nullable=False, server_default=sa.text("'{}'")),
    sa.Column("amount", sa.Numeric),
    sa.Column("currency", sa.Text),
    sa.Column("total", sa.Numeric),  # as the target read it back
    sa.Column("variance", JSONB),  # of an invoice: its difference in money by cause, and what only its next match needs
    sa.Column("error_class", sa.Text),
    sa.Column("errors", JSONB, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("mapping_version", sa.Text),
    sa.Column("policy_version", sa.Text),
    sa.Column("scope", sa.Text),  # the account it is sent by; None: any connection may
    sa.Column("planned_by", sa.BigInteger, sa.ForeignKey("runs.id")),
    sa.Column("due_at", _MOMENT, nullable=False, server_default=_NOW),
    sa.Column("changed_at", _MOMENT, nullable=False, server_default=_NOW),
    sa.UniqueConstraint("pipeline", "action", "business_key"),
    sa.CheckConstraint(
        "state IN ('planned', 'sending', 'delivered', 'waiting', 'held', 'skipped', 'dead')", name="deliveries_state_known"
    ),
    sa.Index("ix_deliveries_open", "pipeline", "due_at", postgresql_where=sa.text("state IN ('planned', 'waiting', 'sending')")),
    sa.Index("ix_deliveries_stuck", "state", postgresql_where=sa.text("state IN ('dead', 'held')")),
    sa.Index("ix_deliveries_after", "after_id"),
    sa.Index("ix_deliveries_business_key", "business_key"),
    sa.Index(
        "ix_deliveries_number", sa.text("translate(lower(split_part(business_key, '/', 3)), '0-_./ #:', '')"),
        postgresql_where=sa.text("amount IS NOT NULL"),
    ),
)  # fmt: skip

delivery_subjects = sa.Table(  # what a delivery is about, by which it is found: PO lines of an invoice
    "delivery_subjects", metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("delivery_id", sa.BigInteger, sa.ForeignKey("deliveries.id"), primary_key=True),
    sa.Index("ix_delivery_subjects_delivery", "delivery_id"),
)  # fmt: skip

allocations = sa.Table(
    "allocations", metadata, _id(),
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("source_records.id"), nullable=False),
    sa.Column("part", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False, server_default=sa.text("'bills'")),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("delivery_id", sa.BigInteger, sa.ForeignKey("deliveries.id")),
    sa.Column("state", sa.Text),  # its own, where no delivery carries it
    sa.Column("reason", sa.Text),
    sa.Column("error_class", sa.Text),
    sa.Column("errors", JSONB, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("amount", sa.Numeric),
    sa.Column("currency", sa.Text),
    sa.Column("changed_at", _MOMENT, nullable=False, server_default=_NOW),
    sa.CheckConstraint("(delivery_id IS NULL) <> (state IS NULL)", name="allocations_delivery_or_state"),
    sa.Index("uq_allocations_bills", "record_id", "part", unique=True, postgresql_where=sa.text("role = 'bills'")),
    sa.Index("ix_allocations_delivery", "delivery_id"),
    sa.Index("ix_allocations_stuck", "state", postgresql_where=sa.text("state IN ('dead', 'held')")),
)  # fmt: skip

attempts = sa.Table(
    "attempts", metadata,
    sa.Column("delivery_id", sa.BigInteger, sa.ForeignKey("deliveries.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("sent_at", _MOMENT, nullable=False, server_default=_NOW),
    sa.Column("outcome", sa.Text),  # None: no answer yet, so the target is asked before anything is sent again
    sa.Column("answered_at", _MOMENT),
    sa.Column("target_id", sa.Text),
    sa.Column("error", sa.Text),
    sa.Index("ix_attempts_unanswered", "delivery_id", postgresql_where=sa.text("outcome IS NULL")),
)  # fmt: skip

findings = sa.Table(
    "findings", metadata, _id(),
    sa.Column("delivery_id", sa.BigInteger, sa.ForeignKey("deliveries.id")),
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("source_records.id")),
    sa.Column("run_id", sa.BigInteger, sa.ForeignKey("runs.id")),
    sa.Column("planned", sa.Boolean, nullable=False, server_default=_FALSE),  # made by a plan: replaced with it
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("line", sa.Text),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("breached", sa.Boolean, nullable=False, server_default=_TRUE),
    sa.Column("expected", sa.Text),
    sa.Column("actual", sa.Text),
    sa.Column("difference", sa.Text),
    sa.Column("limit_value", sa.Text),
    sa.Column("rule", sa.Text),  # the place in the rule files that decided
    sa.Column("amount", sa.Numeric),  # what the difference comes to
    sa.Column("currency", sa.Text),
    sa.Column("found_at", _MOMENT, nullable=False, server_default=_NOW),
    sa.CheckConstraint("delivery_id IS NOT NULL OR record_id IS NOT NULL", name="findings_about_something"),
    sa.Index("ix_findings_delivery", "delivery_id"),
    sa.Index("ix_findings_record", "record_id"),
)  # fmt: skip

events = sa.Table(
    "events", metadata, _id(),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False, server_default=_NOW),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("hash", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.UniqueConstraint("document", "prev_hash"),  # a chain never forks
    sa.Index("ix_events_document", "document", "id"),
)  # fmt: skip

open_documents = sa.Table(
    "open_documents", metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("next_read", _MOMENT, nullable=False),
    sa.Index("ix_open_documents_next_read", "kind", "next_read"),
)  # fmt: skip

notices = sa.Table(
    "notices", metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", JSON, nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False, server_default=_NOW),
    sa.Column("sent_at", _MOMENT),
    sa.Index("ix_notices_pending", "created_at", postgresql_where=sa.text("sent_at IS NULL")),
)  # fmt: skip

plans = sa.Table(
    "plans", metadata,
    sa.Column("run_id", sa.BigInteger, sa.ForeignKey("runs.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("row", JSON, nullable=False),
)  # fmt: skip

# Each line of a transaction as the spend pipeline counted it: typed, so that a year is summed where it lies.
spend_lines = sa.Table(
    "spend_lines", metadata,
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("source_records.id"), primary_key=True),
    sa.Column("line", sa.Integer, primary_key=True),
    sa.Column("spent_on", sa.Date, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("counted", sa.Text, nullable=False),  # budget, coupa, wait, hold, uncategorised
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("minor", sa.BigInteger, nullable=False),  # in the currency's minor unit: cents, yen
    sa.Column("legal_entity", sa.Text),
    sa.Column("cost_center", sa.Text),
    sa.Column("department", sa.Text),
    sa.Column("gl_account", sa.Text),
    sa.Column("commodity", sa.Text),
    sa.Index("ix_spend_lines_period", "period", "cost_center"),
)  # fmt: skip

budget_books = sa.Table(  # what was read so far of the adjustments of Coupa's budget lines
    "budget_books", metadata,
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("line_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("read_as", sa.Text, nullable=False),
    sa.Column("last_id", sa.BigInteger, nullable=False),
    sa.Column("consumed", sa.Numeric, nullable=False),
    sa.Column("held", sa.Numeric, nullable=False),
    sa.Column("unexplained", sa.Numeric, nullable=False),
    sa.Column("days", JSONB, nullable=False),
)  # fmt: skip

rate_buckets = sa.Table(
    "rate_buckets", metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("rate", sa.Double, nullable=False),
    sa.Column("burst", sa.Integer, nullable=False),
    sa.Column("next_slot", _MOMENT, nullable=False, server_default=sa.text("'epoch'")),
    sa.Column("blocked_until", _MOMENT, nullable=False, server_default=sa.text("'epoch'")),
    sa.Column("pushed", sa.Double, nullable=False, server_default=sa.text("0")),  # seconds, summed over all push-backs
)  # fmt: skip
