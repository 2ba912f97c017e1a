"""Integration monitoring as Coupa keeps it: interfaces, whom they alert, runs and errors; and the reasons a dispute
may give."""

from sandbox.coupa.reference_data import AUTHORS, NAME, SHORT, STAMPS
from sandbox.coupa.schema import (
    Flag,
    Inline,
    Linked,
    Moment,
    Ref,
    Resource,
    Text,
    Whole,
)

ALERT_TYPES = ("Technical", "Functional", "Both")

INTEGRATIONS = Resource(
    "integrations", "integration", "Integration",
    {**STAMPS, **AUTHORS, "code": NAME, "name": NAME, "business-object": SHORT,
     "direction": Text(choices=("to_coupa", "from_coupa")), "end-system": SHORT,
     "end-system-type": SHORT, "integration-type": SHORT, "standard": Flag(output=True)},
    kind="Integration", keys=("code", "name"), indexed=("code", "name"), unique=(("code",), ("name",)),
    defaults={"standard": False},
)  # fmt: skip
INTEGRATION_CONTACTS = Resource(
    "integration_contacts", "integration_contact", "Integration contact",
    {**STAMPS, **AUTHORS, "integration": Ref(resource="integrations", required=True),
     "contact-alert-type": Text(choices=ALERT_TYPES, required=True),
     "contactable-type": Text(size=255, required=True), "contactable-id": Whole(required=True)},
    indexed=("integration",),
)  # fmt: skip
INTEGRATION_RUNS = Resource(
    "integration_runs", "integration_run", "Integration run",
    {**STAMPS, **AUTHORS, "integration": Ref(resource="integrations", required=True),
     "status": Text(size=255, output=True), "start-time": Moment(),
     "end-time": Moment(), "total-records": Whole(), "records-processed": Whole(),
     "integration-errors": Linked(resource="integration_errors", by="integration-run-id", output=True)},
    indexed=("integration", "status"), defaults={"status": "pending"},
)  # fmt: skip
INTEGRATION_ERRORS = Resource(
    "integration_errors", "integration_error", "Integration error",
    {**STAMPS, **AUTHORS, "contact-alert-type": Text(choices=ALERT_TYPES, required=True), "creation-method": SHORT,
     "document-id": Whole(),
     "document-revision": Whole(), "document-status": SHORT, "document-type": SHORT, "external-id": SHORT,
     "integration": Ref(resource="integrations"),
     "integration-filename": SHORT, "integration-run": Ref(resource="integration_runs"),
     "integration-run-id": Whole(), "resolved": Flag(output=True),
     "responses": Inline(), "status": SHORT},
    indexed=("external-id", "document-id", "integration-run-id"), defaults={"resolved": False},
)  # fmt: skip
DISPUTE_REASONS = Resource(
    "dispute_reasons", "dispute_reason", "Dispute reason",
    {**STAMPS, "code": NAME, "description": SHORT, "active": Flag()},
    keys=("code",), indexed=("code",), unique=(("code",),), defaults={"active": True},
)  # fmt: skip

MONITORING = (INTEGRATIONS, INTEGRATION_CONTACTS, INTEGRATION_RUNS, INTEGRATION_ERRORS, DISPUTE_REASONS)
