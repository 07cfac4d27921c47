"""Behaviour, shown on real files, sockets and databases."""
