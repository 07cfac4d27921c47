"""Captures in the index: their rows, what they prove of absence, and whose records they repeat."""
