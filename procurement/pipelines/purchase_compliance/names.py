"""The words of this pipeline that others meet: in the ledger, in comments, in summaries."""

PIPELINE = "purchase_compliance"
PURCHASE = "purchase"  # kind of source record: an Amazon order, key its id
REQUISITION = "requisition"  # kind of source record: a Coupa requisition that waits for approval, key its id
RECHECK = (
    "purchase_compliance purchase"  # kind of open document: an order with open violations, or without its lines yet
)
LOOK = "purchase_compliance look"  # kind of open document: where young orders are looked for changes; state: when last
COMMENT, CLOSE_ORDER = "comment_on_violation", "close_comment"  # on the PO
OPEN_RUN, ALERT, RESOLVE = "open_compliance_run", "alert_violation", "resolve_violation"
ADD_APPROVER, REJECT, COMMENT_REQUISITION = "add_approver", "reject_approval", "comment_on_requisition"
AT_ONCE, WEEKLY, REPORT_ONLY = "at_once", "weekly", "report_only"
SWITCHED_OFF = "switched off in rollout.yml"
REPORTED = "report only: nobody is written to"
PENDING = "pending_approval"  # a requisition in approval, and the approval whose turn it is
