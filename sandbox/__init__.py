"""Amazon Business and Coupa as two local HTTP servers with state, limits, faults and a clock of their own.

A product of its own: it imports nothing of the pipelines. Start with `python -m sandbox`; look around at
`/_sandbox/docs` of either server. Reading order: `system.py`, `service.py`, then a vendor's `vendor.py`.
"""
