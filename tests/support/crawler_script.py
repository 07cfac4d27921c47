"""A user's script: a crawl of one article by Scrapy's CrawlerProcess.

Reads settings, as a JSON object, from standard input.
"""

from __future__ import annotations

import json
import sys

from scrapy.crawler import CrawlerProcess
from scrapy.utils.project import get_project_settings


def main() -> None:
    settings = get_project_settings()
    settings.setdict(json.load(sys.stdin), priority="cmdline")
    process = CrawlerProcess(settings)
    crawler = process.create_crawler("newspim")
    process.crawl(crawler, limit="3")
    process.start()
    stats = crawler.stats.get_stats()
    print(json.dumps({name: stats.get(name) for name in ("item_scraped_count", "finish_reason")}))


if __name__ == "__main__":
    main()
