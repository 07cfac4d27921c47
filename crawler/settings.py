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
