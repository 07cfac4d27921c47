"""The reading room: the archive's articles, their history and captures, in a browser."""
