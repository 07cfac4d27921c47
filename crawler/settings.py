"""Every setting of Sacho, each with its reason. ``-s NAME=VALUE`` overrides any of them."""

from __future__ import annotations

import os

from archive.model.data_folder import (
    data_folder,
    default_archive_url,
    default_index_url,
    default_spool,
    jobs_file,
)
from crawler import VERSION

#: Where the archive, the index and the logs are: SACHO_HOME, ``var`` in a checkout, or the
#: platform's folder for a user's data.
_DATA = data_folder()

# The name that Scrapy logs at the start of a crawl.
BOT_NAME = "sacho"

# The commands of Sacho, added to Scrapy's own.
COMMANDS_MODULE = "crawler.commands"

# An outlet is a value, so a loader creates its spider.
SPIDER_LOADER_CLASS = "crawler.spider.loader.OutletLoader"

# Modules with outlets of the user's own, beside those of crawler/outlets: each holds a value
# OUTLET, or is a package of such modules. Also read from the environment, separated by commas.
OUTLET_MODULES = [name for name in os.environ.get("OUTLET_MODULES", "").split(",") if name]

# The folder of the archive, or s3://BUCKET/PREFIX. Also read from the environment, so that cron
# jobs and containers need no -s.
ARCHIVE_URL = os.environ.get("ARCHIVE_URL") or default_archive_url()

# The server of an archive in S3 (s3://BUCKET/PREFIX), if it is not Amazon's. Also read from the
# environment, where the credentials are as well.
S3_ENDPOINT = os.environ.get("S3_ENDPOINT", "")

# The folder in which segments of archives in S3 are written before they are uploaded. Also read
# from the environment.
SPOOL_FOLDER = os.environ.get("SPOOL_FOLDER") or str(default_spool())

# How long an uploaded segment stays there as well, so that it is read without the network. Also
# read from the environment.
KEEP_LOCAL = os.environ.get("KEEP_LOCAL") or "0"

# The bytes of a part of an upload: what is sent again after a kill. 4 parts are in memory at once.
S3_PART_BYTES = 8 * 2**20

# The database of the index, as an SQLAlchemy URL. Also read from the environment.
INDEX_URL = os.environ.get("INDEX_URL") or default_index_url()

# Whether an article's images are archived as well, at the same pace. Also read from the
# environment.
ARCHIVE_IMAGES = os.environ.get("ARCHIVE_IMAGES", "") not in ("", "0")

# The most images of one article that are archived: a page may name thousands.
IMAGES_PER_ARTICLE = 50

# The hosts of images, beside those that the outlet's file names; "*" allows every host. A page must
# not be able to send a crawl anywhere.
IMAGE_HOSTS: list[str] = []

# What a reader must give to the reading room (sacho serve), as password or bearer token. Also read
# from the environment; empty: nothing, which only a server for this machine alone allows.
READER_TOKEN = os.environ.get("READER_TOKEN", "")

# Who is responsible for a crawl: an e-mail address or web page, sent in the user agent and written
# to every WARC file. Also read from the environment.
CONTACT = os.environ.get("CONTACT", "")

# The user agent. It names the contact, so that an outlet can reach a person.
USER_AGENT = f"Sacho/{VERSION} (+{CONTACT})" if CONTACT else f"Sacho/{VERSION}"

# What must hold is in the settings ending in _BASE, in place of Scrapy's own lists: what a user
# writes into the settings of the same names without _BASE is added to it, and replaces nothing.

# What a Korean reader's browser asks for first; Scrapy's default is English.
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "ko,en;q=0.5",
}

# What processes a page, in this order. The numbers are below those that pipelines usually have, so
# that a user's get what leaves ours: articles, after they were stored.
ITEM_PIPELINES_BASE = {
    "pipelines.normalise.NormalisePipeline": 10,
    "pipelines.widgets.WidgetsPipeline": 20,
    "pipelines.validate.ValidatePipeline": 30,
    "crawler.extraction.reading.FallbackPipeline": 35,
    "pipelines.deposit.DepositPipeline": 40,
}

# All requests go through our download handler, which archives every exchange. The other schemes are
# off, so that no page can make a crawl read a local file.
DOWNLOAD_HANDLERS_BASE = {
    "http": "crawler.httpclient.ArchivingDownloadHandler",
    "https": "crawler.httpclient.ArchivingDownloadHandler",
    "file": None,
    "ftp": None,
    "s3": None,
    "data": None,
}

# The class that archives the exchanges of the download handler; None: they are not archived.
EXCHANGE_SINK = "crawler.spider.session.CrawlSession"

# The ports that are connected to, beside those of the outlet's own addresses.
ALLOWED_PORTS = [80, 443]

# For tests only: whether loopback addresses may be connected to.
ALLOW_LOOPBACK = False

# For tests only: the loopback address of each host name. With a map, no other local address can be
# reached; a real host is never reached through it.
RESOLVER_MAP: dict[str, str] = {}

# robots.txt is obeyed, as RFC 9309 defines it, under our own name.
ROBOTSTXT_OBEY = True

# The class that stores copies of robots.txt: in the index, so that they outlive a run.
ROBOTS_STORE = "crawler.spider.session.CrawlRobotsStore"

# The longest Crawl-delay that is obeyed, in seconds. An outlet that asks for an hour wants no
# crawler, and has better means to say so.
ROBOTS_MAX_DELAY = 60.0

# Seconds until an unreachable robots.txt is requested again. Until then its host is treated as
# disallowed.
ROBOTS_RETRY_AFTER = 300.0

# One request at a time for each host; Scrapy's default is 8.
CONCURRENT_REQUESTS_PER_DOMAIN = 1

# The limit over all hosts. Requests that wait for their host's turn count as well, so it is higher
# than the number of requests that the spider creates at once: a host that must be left alone for a
# while cannot fill it and block the other hosts.
CONCURRENT_REQUESTS = 128

# Seconds between two requests to a host; Scrapy's default is 0.
DOWNLOAD_DELAY = 1.0

# The delay varies at random by up to this part of it, in both directions.
DOWNLOAD_DELAY_JITTER = 0.5

# The delay grows with the time that the host takes to answer. PaceMiddleware applies the rule of
# Scrapy's AutoThrottle, whose extension is off: it could go below a host's Crawl-delay.
AUTOTHROTTLE_ENABLED = True

# The delay before the first answers of a host, in seconds.
AUTOTHROTTLE_START_DELAY = 1.0

# The longest delay that slow answers lead to, in seconds.
AUTOTHROTTLE_MAX_DELAY = 60.0

# Without the consoles that listen on the network and run Python code. Scrapy imports even what is
# set to None, among it two web servers.
EXTENSIONS_BASE = {
    "scrapy.extensions.corestats.CoreStats": 0,
    "scrapy.extensions.logcount.LogCount": 0,
    "scrapy.extensions.memusage.MemoryUsage": 0,
    "scrapy.extensions.closespider.CloseSpider": 0,
    "scrapy.extensions.logstats.LogStats": 0,
    "scrapy.extensions.feedexport.FeedExporter": 0,
}

# Feeds (FEEDS, -o, -O) hold articles, Korean as it is, and in CSV the cells of an export.
FEED_EXPORT_ENCODING = "utf-8"
FEED_EXPORTERS = {"csv": "crawler.spider.feeds.ArticleCsvExporter"}

# The longest time, in seconds, that a host which answers 429 or 503 is waited for. If it asks for
# more, nothing is sent to it for the rest of the run.
RETRY_AFTER_MAX = 600.0

# Seconds to wait after a 429 or 503 without Retry-After; doubled with each such answer in a row.
RETRY_BACKOFF = 5.0

# The statuses that RetryMiddleware retries. 429 and 503 are RetryAfterMiddleware's.
RETRY_HTTP_CODES = [500, 502, 504, 522, 524, 408]

# No cookies: without a session no private page is ever fetched. No meta refresh: it is an
# instruction of the page to a browser, not a redirect of the outlet's server. PaceMiddleware lets a
# request through when its host's turn has come, so no middleware after it may wait; DownloaderStats
# comes after it, so that a request is counted when it is sent.
DOWNLOADER_MIDDLEWARES_BASE = {
    "crawler.middlewares.robots.RobotsMiddleware": 100,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": 550,
    "crawler.middlewares.pacing.RetryAfterMiddleware": 560,
    "crawler.middlewares.decompression.DecompressionMiddleware": 590,
    "crawler.middlewares.redirects.CheckedRedirectMiddleware": 600,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": 750,
    "crawler.middlewares.pacing.PaceMiddleware": 950,
    "scrapy.downloadermiddlewares.stats.DownloaderStats": 960,
}

# Seconds for one exchange, connecting included. An outlet's page needs far less.
DOWNLOAD_TIMEOUT = 30

# The longest body, in bytes, served and decoded; the rest is cut off. An outlet's page is far
# shorter.
DOWNLOAD_MAXSIZE = 20 * 2**20

# No warning of long bodies: DOWNLOAD_MAXSIZE bounds them.
DOWNLOAD_WARNSIZE = 0

# Redirects followed in a row; an article needs one or two.
REDIRECT_MAX_TIMES = 5

# Retries of a request in a run. The frontier makes further visits in later runs.
RETRY_TIMES = 2

# Whoever asked for the page says why it failed.
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"

# The exceptions of our download handler after which a retry may help. Scrapy's default list names
# those of its own handlers, which take long to import.
RETRY_EXCEPTIONS = [
    "scrapy.exceptions.CannotResolveHostError",
    "scrapy.exceptions.DownloadConnectionRefusedError",
    "scrapy.exceptions.DownloadFailedError",
    "scrapy.exceptions.DownloadTimeoutError",
    "scrapy.exceptions.ResponseDataLossError",
    OSError,
]

# TLS certificates are verified; Scrapy's default is not to.
DOWNLOAD_VERIFY_CERTIFICATES = True

# Scrapy's others process the links that a callback follows. Ours follow none, and each middleware
# costs time for every page. RefererMiddleware is on because RedirectMiddleware asks for it.
SPIDER_MIDDLEWARES_BASE = {
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": 50,
    "scrapy.spidermiddlewares.referer.RefererMiddleware": 700,
}

# No Referer is ever sent: it would tell an outlet where we come from.
REFERRER_POLICY = "no-referrer"

# The same under every name, so that the Referrer-Policy of a response changes nothing.
REFERRER_POLICIES = dict.fromkeys(
    (
        "",
        "no-referrer",
        "no-referrer-when-downgrade",
        "same-origin",
        "origin",
        "strict-origin",
        "origin-when-cross-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
        "scrapy-default",
    ),
    "scrapy.spidermiddlewares.referer.NoReferrerPolicy",
)

# Scrapy's stats, at half of their cost for each page.
STATS_CLASS = "crawler.spider.stats.CrawlStats"

# Scrapy starts this many workers for every response; one page is one item here.
CONCURRENT_ITEMS = 1

# Requests of one priority are sent in the order of their creation, which is that of the frontier's
# due times. Scrapy's default balances its download slots, of which all requests use the same one.
SCHEDULER_PRIORITY_QUEUE = "scrapy.pqueues.ScrapyPriorityQueue"

# First in, first out; Scrapy's default is the reverse.
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"

# The file that lists the jobs of the scheduler. Also read from the environment.
JOBS_FILE = os.environ.get("JOBS_FILE") or str(jobs_file())

# The folder of the jobs' logs. Also read from the environment.
LOG_FOLDER = os.environ.get("LOG_FOLDER") or str(_DATA / "log")

# The form of times in logs: the machine's, with their zone.
LOG_DATEFORMAT = "%Y-%m-%d %H:%M:%S %z"

# Days that the log of a job is kept.
LOG_KEEP_DAYS = 90

# Jobs that run at the same time.
JOBS_AT_ONCE = 4

# Crawls of them that run in one process; 1: each job in a process of its own. A process takes 0.8 s
# to start and 100 MB, a further crawl in it far less.
JOBS_TOGETHER = 1

# The text file to which the scheduler writes its metrics for Prometheus; empty: none. Also read
# from the environment.
METRICS_FILE = os.environ.get("METRICS_FILE", "")

# The URL to which alarms are sent, as JSON by POST; empty: they are only logged. Also read from the
# environment, as it may contain a key.
ALERT_URL = os.environ.get("ALERT_URL", "")

# Bytes that must be free on the file systems of the archive and of the index. 0 means 1 GiB, or 5 %
# of the file system if that is more.
DISK_FREE_MIN = 0
