"""The index as a file of SQLite: opened, checked, written, read where nothing can be written."""
