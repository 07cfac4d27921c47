"""Monitors of a user's, by Spidermon: one that writes down what it sees at the end of a crawl."""

from __future__ import annotations

import json
from pathlib import Path

from spidermon import Monitor, MonitorSuite
from spidermon.contrib.scrapy.monitors import (
    FieldCoverageMonitor,
    FinishReasonMonitor,
    ItemCountMonitor,
    UnwantedHTTPCodesMonitor,
)


class SeenFigures(Monitor):
    """Writes the numbers and texts of the stats to the file of the setting MONITOR_FILE."""

    def test_figures(self) -> None:
        stats = self.data.stats
        seen = {name: stats[name] for name in stats if isinstance(stats[name], int | float | str)}
        Path(self.data.crawler.settings["MONITOR_FILE"]).write_text(json.dumps(seen), "utf-8")


class Suite(MonitorSuite):
    """Spidermon's own monitors of a crawl's end, and ours."""

    monitors = (
        ItemCountMonitor,
        FinishReasonMonitor,
        UnwantedHTTPCodesMonitor,
        FieldCoverageMonitor,
        SeenFigures,
    )
