"""The index: opened by its address, its tables, what is spelled as each database wants it."""
