"""How pages arrive: outlets, spiders, replay, and the command line's verbs."""

from __future__ import annotations

#: This program's version, as its WARCs and its user agent state it.
VERSION = "0.1.0"
