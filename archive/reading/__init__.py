"""Sacho from Python: an archive opened to be read, as objects and data frames."""
