"""Item pipelines, in this order: normalise, widgets, validate, deposit. A module for each."""

from __future__ import annotations
