"""Mappings: how fields of a source become a document, as data in `mappings/*.yml` with a closed grammar."""
