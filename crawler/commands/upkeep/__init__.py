"""Commands that fill, check, rebuild, back up or clear the archive and its index."""
