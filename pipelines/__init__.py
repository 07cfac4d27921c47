"""What an article goes through, one step a module: normalise, widgets, validate, deposit."""

from __future__ import annotations
