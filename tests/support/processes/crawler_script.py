"""A user's script: a crawl of three articles by Scrapy's CrawlerProcess.

Reads settings, as a JSON object, from standard input. With CUSTOM_SETTINGS among them, it crawls by
a class of the user's that derives from the outlet's spider and has these custom_settings.
"""

from __future__ import annotations

import json
import sys

from scrapy.crawler import CrawlerProcess
from scrapy.utils.project import get_project_settings


def main() -> None:
    settings = get_project_settings()
    given = json.load(sys.stdin)
    custom = given.pop("CUSTOM_SETTINGS", None)
    settings.setdict(given, priority="cmdline")
    process = CrawlerProcess(settings)
    spider = process.spider_loader.load("newspim")
    if custom is not None:
        spider = type("OurSpider", (spider,), {"custom_settings": custom})
    crawler = process.create_crawler(spider)
    process.crawl(crawler, limit="3")
    process.start()
    stats = crawler.stats.get_stats()
    print(json.dumps({name: stats.get(name) for name in ("item_scraped_count", "finish_reason")}))


if __name__ == "__main__":
    main()
