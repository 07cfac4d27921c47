"""Rebuilding of the index from the WARC files, next to the old one, which it then replaces."""
