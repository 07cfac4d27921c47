"""Edaily (이데일리). Facts as of 2026-11 from three sources, two of 2025-26.

Its robots.txt bans the user agent name of Scrapy; that of this crawler is its own.
"""

from __future__ import annotations

from crawler.model.channels import Channel, Feed, Sitemap
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.page import Rules

OUTLET = Outlet(
    name="edaily",
    title="이데일리",
    hosts=("www.edaily.co.kr", "edaily.co.kr"),
    articles=(r"/[Nn]ews/[Rr]ead\?(?:.*&)?newsId=(?P<id>\d{17})(?:&.*)?",),
    canonical="https://www.edaily.co.kr/News/Read?newsId={id}&mediaCodeNo=257",
    layouts=(
        Layout(
            name="desktop-2026",
            confidence="A",
            body=("div.news_body",),
            headline=("jsonld:headline", "meta:og:title", "title", "h1"),
            times=("div.dates",),
            bylines=("p.reporter_name", "jsonld:author"),
            less_sure=(("headline", "B"),),
        ),
    ),
    channels=(
        Channel(
            "sitemap",
            (Sitemap("https://www.edaily.co.kr/sitemap/latest-article.xml"),),
            confidence="B",
        ),
        Channel("feed", (Feed("http://rss.edaily.co.kr/edaily_news.xml"),), confidence="A"),
    ),
    rules=Rules(site_titles=("이데일리",)),
    unknown=(
        "articles a day",
        "element of the headline",
        "deck",
        "captions",
        "widgets of the body",
    ),
)
