"""Growth: every verb on an index of a thousand to a million articles."""
