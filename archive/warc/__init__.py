"""WARC files, bytes in, bytes out: records made, parsed and read in turn."""
