"""Removing an article from index and WARCs, on record, resumable."""
