"""A copy of archive and index as of one moment, and back."""
