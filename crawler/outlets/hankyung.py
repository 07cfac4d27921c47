"""Hankyung (한국경제). Facts as of 2026-11 from two sources, one of 2026-08.

It answered the 4th quick request with a bot challenge (2026-07): it needs the slow pace.
"""

from __future__ import annotations

from crawler.model.channels import Channel, Feed, Sitemap
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.page import Rules

WWW = "https://www.hankyung.com"

OUTLET = Outlet(
    name="hankyung",
    title="한국경제",
    hosts=("www.hankyung.com", "hankyung.com"),
    articles=(r"/article/(?P<id>\d{8}[0-9a-z]{5})/?",),
    canonical=f"{WWW}/article/{{id}}",
    layouts=(
        Layout(
            name="desktop-2026",
            confidence="A",
            body=("#articletxt", "div.article-body"),
            headline=("h1.headline", "h1.article-tit", "meta:og:title"),
            times=("div.datetime",),
        ),
    ),
    channels=(
        Channel("sitemap", (Sitemap(f"{WWW}/sitemap/latest-article.xml"),), confidence="B"),
        Channel("feed", (Feed(f"{WWW}/feed/all-news"),), confidence="A"),
    ),
    rules=Rules(site_titles=("한국경제",)),
    unknown=("articles a day", "authors' elements", "deck", "captions", "widgets of the body"),
)
