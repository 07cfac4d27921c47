"""A page's HTML: elements, blocks of text, pictures, JSON-LD, data in scripts. Pure functions."""
