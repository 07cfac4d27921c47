"""Full-text search: the language of queries, tokens, documents and their order, hits."""
