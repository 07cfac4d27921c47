"""Kyunghyang (경향신문). Facts as of 2026-11 from two sources of 2025-26."""

from __future__ import annotations

from crawler.model.channels import Channel, Feed
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.page import Rules

OUTLET = Outlet(
    name="khan",
    title="경향신문",
    hosts=("www.khan.co.kr", "khan.co.kr"),
    articles=(r"/article/(?P<id>\d{12,})/?",),  # it begins with the minute of publication
    canonical="https://www.khan.co.kr/article/{id}",
    layouts=(
        Layout(
            name="desktop-2026",
            confidence="A",
            body=("#articleBody",),
            headline=("article header h1", "meta:og:title"),
            times=(".date .inner p",),
            bylines=(".editor a", "jsonld:author"),
        ),
    ),
    channels=(
        Channel(
            "feed", (Feed("https://www.khan.co.kr/rss/rssdata/total_news.xml"),), confidence="A"
        ),
    ),
    rules=Rules(site_titles=("경향신문",)),
    unknown=("articles a day", "sitemaps", "deck", "captions", "widgets of the body"),
)
