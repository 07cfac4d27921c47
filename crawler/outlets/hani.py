"""Hankyoreh (한겨레). Facts as of 2026-11 from two sources of 2025-26."""

from __future__ import annotations

from crawler.model.channels import Channel, Feed
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.page import Rules

OUTLET = Outlet(
    name="hani",
    title="한겨레",
    hosts=("www.hani.co.kr", "hani.co.kr"),
    articles=(r"/arti/(?P<section>[\w/-]+)/(?P<id>\d+)\.html",),
    canonical="https://www.hani.co.kr/arti/{section}/{id}.html",
    layouts=(
        Layout(
            name="desktop-2026",
            confidence="A",
            body=(".article-text",),
            # The ends of these classes change with every build of the site.
            headline=("h3[class*=ArticleDetailView_title]", "meta:og:title"),
            times=("[class*=dateListItem]",),
            bylines=("[class*=reporterLink]", "jsonld:author"),
        ),
    ),
    channels=(Channel("feed", (Feed("https://www.hani.co.kr/rss/"),), confidence="A"),),
    rules=Rules(site_titles=("한겨레",)),
    unknown=("articles a day", "sitemaps", "deck", "captions", "widgets of the body"),
)
