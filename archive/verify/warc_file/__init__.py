"""Strict ISO 28500 check of one WARC file."""
