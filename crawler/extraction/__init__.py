"""From an exchange to a page: charset, HTML, text, JSON-LD, walls. Pure functions."""
