"""Articles in the index: which revision a capture is, what changed, history, queries, blocklist."""
