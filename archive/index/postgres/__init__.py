"""The index in a database of PostgreSQL: opened, written, and searched."""
