"""What the ledger calls open orders, their records and their states: shared by all that reads or follows them."""

STATUS = "amazon_order_status_to_coupa"
RECEIPTS = "amazon_deliveries_to_coupa_receipts"
OPEN = "amazon_order"  # kind of open document; its key is Amazon's order id
ORDER = "order"
SHIPMENT_LINE = "shipment_line"
PROBLEM = "problem"  # what an order's record holds instead of facts when Amazon's rows could not be read
MISSING = "missing"  # state of an order of which people were told that Amazon does not show it
LOST = "lost"  # state of an order of which all that did not arrive is given up: nothing reads it by itself
