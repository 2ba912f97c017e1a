"""Whether purchases keep the company's rules: pure, and the same before an order is placed and after. Rules: `mappings/compliance.yml`."""
