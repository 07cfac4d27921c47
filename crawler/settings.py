"""Every setting, with its reason. Any of them can be overridden with ``-s NAME=VALUE``."""

import os
from pathlib import Path

from scrapy.utils.conf import closest_scrapy_cfg

from crawler import VERSION

#: The defaults of the two places lie under the project, whatever folder the command was started in.
_PROJECT = Path(closest_scrapy_cfg() or "scrapy.cfg").resolve().parent

BOT_NAME = "sacho"
COMMANDS_MODULE = "crawler.commands"
SPIDER_LOADER_CLASS = "crawler.loader.OutletLoader"

# Where things are; also read from the environment, so that cron and containers need no -s.
ARCHIVE_URL = os.environ.get("ARCHIVE_URL") or str(_PROJECT / "var" / "archive")
INDEX_URL = os.environ.get("INDEX_URL") or f"sqlite:///{_PROJECT / 'var' / 'index.sqlite3'}"

# Who answers for a crawl: an address or web page, stated in the user agent and in every WARC.
CONTACT = os.environ.get("CONTACT", "")
USER_AGENT = f"Sacho/{VERSION} (+{CONTACT})" if CONTACT else f"Sacho/{VERSION}"

# What a page goes through, in this order.
ITEM_PIPELINES = {
    "pipelines.normalise.NormalisePipeline": 100,
    "pipelines.widgets.WidgetsPipeline": 200,
    "pipelines.validate.ValidatePipeline": 300,
}

# Consoles that listen on the network and run Python have no place in a crawler that runs unattended.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

# Replay reads from files; no scheme is left by which a page could make us read anything else.
DOWNLOAD_HANDLERS = {"file": None, "ftp": None, "s3": None, "data": None}

# --- Politeness: what a live crawl may do to an outlet, and what it may not.

# Read for our own name, as RFC 9309 says; where copies outlive a run (None: they do not).
ROBOTSTXT_OBEY = True
ROBOTS_STORE = None
ROBOTS_MAX_DELAY = 60.0  # seconds of Crawl-delay obeyed; an outlet that asks for an hour means "go away" by other means
ROBOTS_RETRY_AFTER = 300.0  # seconds until an unreachable robots.txt, which forbids everything, is asked for again

# One request at a time a host, a second apart or as much more as its answers take. The library's defaults are none
# apart and eight at a time.
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 1.0
DOWNLOAD_DELAY_JITTER = 0.5
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0
AUTOTHROTTLE_MAX_DELAY = 60.0
# PaceMiddleware applies its rule, where it cannot go below a host's Crawl-delay.
EXTENSIONS = {"scrapy.extensions.throttle.AutoThrottle": None}

# A host that answers 429 or 503 is left alone for as long as it asks, up to this; longer, and it is left for the run.
RETRY_AFTER_MAX = 600.0
RETRY_BACKOFF = 5.0  # seconds where it does not say; doubled with each such answer in a row
RETRY_HTTP_CODES = [500, 502, 504, 522, 524, 408]  # RetryAfterMiddleware retries 429 and 503

DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "crawler.robots.RobotsMiddleware": 100,
    "crawler.politeness.RetryAfterMiddleware": 560,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "crawler.gunzip.GunzipMiddleware": 590,
    "crawler.politeness.PaceMiddleware": 950,  # the nearest to the downloader: what it lets through, goes out
}

# Scrapy on asyncio starts as many tasks for every response; our spiders yield one item a page.
CONCURRENT_ITEMS = 1
