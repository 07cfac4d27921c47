"""Articles in the index: ingest, identity and revisions, history, queries, blocklist."""
