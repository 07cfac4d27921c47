"""Compression of WARC files: gzip members written and read, Zstandard unpacked, within bounds."""
