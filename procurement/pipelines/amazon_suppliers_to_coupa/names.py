"""Names that the ledger keeps of this pipeline."""

PIPELINE = "amazon_suppliers_to_coupa"
ONBOARD = "create_supplier"
INVITE = "invite_supplier"
CERTIFICATE = "report_certificate"  # held for a person; never sent
PURCHASE = "report_purchase"  # of a supplier that people turned away; held, never sent
PROBLEM = "problem"  # the key of a record's content that could not be read

FOLLOWING, ENDED = "following", "ended"  # `status` among a delivery's facts: whether people still decide
