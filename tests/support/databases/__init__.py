"""Databases and object stores of the tests' own, and what lies in them."""
