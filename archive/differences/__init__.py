"""What differs between two readings of an article: its kind, its fields, its words."""
