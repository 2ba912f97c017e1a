"""Marketplace sellers: who they are, and whether two spellings are one. Pure."""
