"""Reading without the network: replay, import of WARC files, recovery, reindex."""
