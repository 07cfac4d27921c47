"""Captures shown as they were served, on an origin of their own: playback, Memento, downloads."""
