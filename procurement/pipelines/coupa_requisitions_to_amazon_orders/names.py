"""The words by which the ledger knows this pipeline's records and deliveries."""

PIPELINE = "coupa_requisitions_to_amazon_orders"
KIND = "purchase_order"  # of the source records
ORDER_KIND = "amazon_order"  # of the open documents that the order-status pipeline reads on

TRIAL = "trial_order"
PLACE = "place_order"
WRITE_BACK = "write_back_order"
TELL = "tell_requester"
REPORT = "report_rejection"
OPEN_RUN = "open_integration_run"
ALERT = "alert_rejection"
CLOSE_LINE = "close_rejected_line"

TRIAL_SUFFIX = "-T"  # of the externalId of a trial: the order's own stays unused
