"""Every setting, with its reason. Any of them can be overridden with ``-s NAME=VALUE``."""

from __future__ import annotations

import os

from crawler import VERSION
from crawler.model.data_folder import data_folder, index_url, jobs_file

#: Where the archive, the index and the logs are: SACHO_HOME, ``var`` in a checkout, or the
#: platform's folder for a user's data.
_DATA = data_folder()

BOT_NAME = "sacho"
COMMANDS_MODULE = "crawler.commands"
SPIDER_LOADER_CLASS = "crawler.spider.loader.OutletLoader"

# Where things are; also read from the environment, so that cron and containers need no -s.
ARCHIVE_URL = os.environ.get("ARCHIVE_URL") or str(_DATA / "archive")
INDEX_URL = os.environ.get("INDEX_URL") or index_url(_DATA / "index.sqlite3")

# Whether the pictures of an article are archived with it, at the same pace; also read from the
# environment.
ARCHIVE_IMAGES = os.environ.get("ARCHIVE_IMAGES", "") not in ("", "0")

# Who answers for a crawl: an address or web page, stated in the user agent and in every WARC.
CONTACT = os.environ.get("CONTACT", "")
USER_AGENT = f"Sacho/{VERSION} (+{CONTACT})" if CONTACT else f"Sacho/{VERSION}"

# What a page goes through, in this order.
ITEM_PIPELINES = {
    "pipelines.normalise.NormalisePipeline": 100,
    "pipelines.widgets.WidgetsPipeline": 200,
    "pipelines.validate.ValidatePipeline": 300,
    "pipelines.deposit.DepositPipeline": 400,
}

# One door: our own wire, which keeps every exchange. No scheme is left by which a page could make
# us read a file.
DOWNLOAD_HANDLERS = {
    "http": "crawler.httpclient.ArchivingDownloadHandler",
    "https": "crawler.httpclient.ArchivingDownloadHandler",
    "file": None,
    "ftp": None,
    "s3": None,
    "data": None,
}
EXCHANGE_SINK = "crawler.spider.session.CrawlSession"
# For tests only: loopback outlets under real names. A real host is never reached through them, and
# where there is a map, no other address of this machine.
ALLOW_LOOPBACK = False
RESOLVER_MAP: dict[str, str] = {}

# robots.txt is read for our own name, as RFC 9309 says; copies are kept in the index, so that they
# outlive a run.
ROBOTSTXT_OBEY = True
ROBOTS_STORE = "crawler.spider.session.CrawlRobotsStore"
# seconds of Crawl-delay obeyed; an outlet that asks for an hour means "go away" by other means
ROBOTS_MAX_DELAY = 60.0
# seconds until an unreachable robots.txt, which forbids everything, is asked for again
ROBOTS_RETRY_AFTER = 300.0

# One request at a time a host, a second apart or as much more as its answers take. The library's
# defaults are none apart and eight at a time.
CONCURRENT_REQUESTS_PER_DOMAIN = 1
# Over all hosts. Requests that wait for their host's turn count as well, so this is more than the
# spider has under way at once: those of a host that asked to be left alone never fill it and stop
# the others.
CONCURRENT_REQUESTS = 128
DOWNLOAD_DELAY = 1.0
DOWNLOAD_DELAY_JITTER = 0.5
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0
AUTOTHROTTLE_MAX_DELAY = 60.0
# Here and below the bases are empty, so that what is on is listed, all of it: Scrapy imports even
# what is set to None, among it two web servers. AutoThrottle is not on: PaceMiddleware applies its
# rule, where it cannot go below a host's Crawl-delay. Nor are consoles that listen on the network
# and run Python.
EXTENSIONS_BASE: dict[str, int] = {}
EXTENSIONS = {
    "scrapy.extensions.corestats.CoreStats": 0,
    "scrapy.extensions.logcount.LogCount": 0,
    "scrapy.extensions.memusage.MemoryUsage": 0,
    "scrapy.extensions.closespider.CloseSpider": 0,
    "scrapy.extensions.logstats.LogStats": 0,
}

# A host that answers 429 or 503 is left alone for as long as it asks, up to this; longer, and it is
# left for the run.
RETRY_AFTER_MAX = 600.0
RETRY_BACKOFF = 5.0  # seconds where it does not say; doubled with each such answer in a row
RETRY_HTTP_CODES = [500, 502, 504, 522, 524, 408]  # RetryAfterMiddleware retries 429 and 503

# No cookies: without a session nothing private is ever fetched. No meta refresh: a page's own is
# its matter, not an address the outlet's server sends us to.
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
DOWNLOADER_MIDDLEWARES = {
    "crawler.middlewares.robots.RobotsMiddleware": 100,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": 550,
    "crawler.middlewares.pacing.RetryAfterMiddleware": 560,
    "crawler.middlewares.decompression.DecompressionMiddleware": 590,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": 600,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": 750,
    # Lets a request through when its host's turn has come; no middleware after it may wait.
    "crawler.middlewares.pacing.PaceMiddleware": 950,
    # After the pace, so that a request is counted when it is sent.
    "scrapy.downloadermiddlewares.stats.DownloaderStats": 960,
}

# Bounded: an outlet's page needs none of these limits, a hostile one meets them.
DOWNLOAD_TIMEOUT = 30
DOWNLOAD_MAXSIZE = 20 * 2**20
DOWNLOAD_WARNSIZE = 0
REDIRECT_MAX_TIMES = 5
RETRY_TIMES = 2
# What our wire raises where another try may help. Scrapy's own list names its own wire, which takes
# long to import.
RETRY_EXCEPTIONS = [
    "scrapy.exceptions.CannotResolveHostError",
    "scrapy.exceptions.DownloadConnectionRefusedError",
    "scrapy.exceptions.DownloadFailedError",
    "scrapy.exceptions.DownloadTimeoutError",
    "scrapy.exceptions.ResponseDataLossError",
    OSError,
]
# Certificates are verified unless somebody says otherwise; Scrapy's own default is not to.
DOWNLOAD_VERIFY_CERTIFICATES = True

# Scrapy's other spider middlewares process links that callbacks follow; ours follow none, and each
# middleware costs time for every page. RefererMiddleware is on because RedirectMiddleware asks for
# it.
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": 50,
    "scrapy.spidermiddlewares.referer.RefererMiddleware": 700,
}

# No Referer is ever sent, not even where the Referrer-Policy of a response allows one.
REFERRER_POLICY = "no-referrer"
_NO_REFERRER = "scrapy.spidermiddlewares.referer.NoReferrerPolicy"
REFERRER_POLICIES = {
    "": _NO_REFERRER,
    "no-referrer": _NO_REFERRER,
    "no-referrer-when-downgrade": _NO_REFERRER,
    "same-origin": _NO_REFERRER,
    "origin": _NO_REFERRER,
    "strict-origin": _NO_REFERRER,
    "origin-when-cross-origin": _NO_REFERRER,
    "strict-origin-when-cross-origin": _NO_REFERRER,
    "unsafe-url": _NO_REFERRER,
    "scrapy-default": _NO_REFERRER,
}

# Scrapy starts this many workers for every response; one page is one item here.
CONCURRENT_ITEMS = 1

# Requests of the same priority are sent in the order of their creation, the order of the frontier's
# due times. Scrapy's default priority queue balances Scrapy's download slots, which we don't use:
# PaceMiddleware spaces the requests of a host.
SCHEDULER_PRIORITY_QUEUE = "scrapy.pqueues.ScrapyPriorityQueue"
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"

# Crawl jobs: which and when, where each run's log goes and how long it stays, and how many run at a
# time. The first two are read from the environment, too.
JOBS_FILE = os.environ.get("JOBS_FILE") or str(jobs_file())
LOG_FOLDER = os.environ.get("LOG_FOLDER") or str(_DATA / "log")
LOG_KEEP_DAYS = 90
JOBS_AT_ONCE = 4
# Where a scheduler writes its figures for Prometheus, as a text file; nowhere unless it is set.
METRICS_FILE = os.environ.get("METRICS_FILE", "")
# Where alarms are told, as JSON by POST; empty: in the log alone. From the environment too, for it
# may hold a key.
ALERT_URL = os.environ.get("ALERT_URL", "")
# Bytes that must be free where the archive and the index lie; 0: 1 GiB, or 5 % of the file system
# where that is more.
DISK_FREE_MIN = 0
