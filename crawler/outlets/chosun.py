"""Chosun (조선일보). Facts as of 2026-11 from three sources, one of 2025-12.

What is served has the article in the data of a script (Arc's Fusion); a browser makes elements.
"""

from __future__ import annotations

from crawler.model.channels import Channel, Feed
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.page import Rules

SERVED = Layout(
    name="script-2026",
    confidence="A",
    body=("json:content_elements[type=text].content",),
    headline=("json:headlines.basic", "jsonld:headline", "meta:og:title"),
    published=("jsonld:datePublished", "meta:article:published_time", "json:display_date"),
    # Names of Arc's documented schema.
    less_sure=(("headline", "B"), ("published", "B")),
)

OUTLET = Outlet(
    name="chosun",
    title="조선일보",
    hosts=("www.chosun.com", "chosun.com"),
    articles=(r"/(?P<path>[\w/-]+/\d{4}/\d\d/\d\d)/(?P<id>[A-Z0-9]{26})/?",),
    canonical="https://www.chosun.com/{path}/{id}/",
    layouts=(
        SERVED,
        SERVED.like(
            "rendered-2026",
            body=("section.article-body",),
            headline=("h1.article-header__headline", "meta:og:title"),
            times=(".inputDate", ".upDate"),
            bylines=(".article-byline__author", "jsonld:author"),
            less_sure=(),
        ),
    ),
    channels=(
        Channel(
            "feed",
            (Feed("https://www.chosun.com/arc/outboundfeeds/rss/?outputType=xml"),),
            confidence="A",
        ),
    ),
    rules=Rules(site_titles=("조선일보",)),
    unknown=("articles a day", "deck", "captions", "sub-headings in the script's data", "sitemaps"),
)
