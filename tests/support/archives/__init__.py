"""Archives and indexes made for a test: kept, damaged, removed from, looked through."""
