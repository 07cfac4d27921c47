"""Media Today (미디어오늘). Facts as of 2026-11, from the template of NDsoft."""

from __future__ import annotations

from crawler.model.ndsoft import ndsoft

OUTLET = ndsoft("mediatoday", "미디어오늘", "www.mediatoday.co.kr")
