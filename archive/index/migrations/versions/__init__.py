"""One module a schema change (squash to one before the first release)."""
