"""Sisa Journal (시사저널). Facts as of 2026-11, from the template of NDsoft."""

from __future__ import annotations

from crawler.model.ndsoft import ndsoft

OUTLET = ndsoft("sisajournal", "시사저널", "www.sisajournal.com")
