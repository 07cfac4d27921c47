"""Sedaily (서울경제). Facts as of 2026-11: one source of 2026-08, three older ones."""

from __future__ import annotations

from datetime import date

from crawler.model.channels import Channel, Feed, Sitemap
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.page import Rules

WWW = "https://www.sedaily.com"

OUTLET = Outlet(
    name="sedaily",
    title="서울경제",
    hosts=("www.sedaily.com", "sedaily.com"),
    # Whether both forms name one article by the same id is not known: each is its own address.
    articles=(r"/(?P<form>article|NewsView)/(?P<id>\w+)/?",),
    canonical=f"{WWW}/{{form}}/{{id}}",
    layouts=(
        # Its headline and times are read from the page's head.
        Layout(
            name="desktop-2026", confidence="B", since=date(2026, 1, 1), body=("#article-body",)
        ),
        Layout(
            name="desktop-2023",
            confidence="B",
            until=date(2025, 12, 31),
            body=("div.article_view",),
            headline=("h1.art_tit", "meta:og:title"),
            times=(".article_info",),
        ),
    ),
    channels=(
        Channel("sitemap", (Sitemap(f"{WWW}/sitemap/latestnews"),), confidence="B"),
        Channel("feed", (Feed(f"{WWW}/rss/newsall"),), confidence="A"),
    ),
    rules=Rules(site_titles=("서울경제",)),
    unknown=(
        "articles a day",
        "elements of headline, times and authors in 2026",
        "deck",
        "captions",
        "widgets of the body",
    ),
)
