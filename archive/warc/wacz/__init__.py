"""WACZ packages, read without trust, and the CDXJ index within them: lines and sort keys."""
