"""Handing on: JSON Lines, CSV, WACZ, CDXJ."""
