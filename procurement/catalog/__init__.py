"""What a catalog should say, decided from what Amazon sells and what Coupa holds: pure functions and their rules."""
