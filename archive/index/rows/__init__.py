"""Rows of the index: their ids, many inserted at once, articles made from them."""
