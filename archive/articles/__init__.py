"""Articles in the index: ingest, identity and revisions, changes, history, queries, blocklist."""
