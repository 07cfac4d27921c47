"""Backups of the archive and its index as of one moment, and their restore."""
