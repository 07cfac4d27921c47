"""JoongAng (중앙일보). Facts as of 2026-11 from three sources, one of 2025-12."""

from __future__ import annotations

from crawler.model.layout import Figure, Layout
from crawler.model.outlet import Outlet
from pipelines.page import Rules

OUTLET = Outlet(
    name="joongang",
    title="중앙일보",
    hosts=("www.joongang.co.kr", "joongang.co.kr"),
    articles=(r"/article/(?P<id>\d+)/?",),
    canonical="https://www.joongang.co.kr/article/{id}",
    layouts=(
        Layout(
            name="desktop-2026",
            confidence="A",
            body=("#article_body",),
            headline=("h1.headline", "meta:og:title"),
            published=("time[itemprop=datePublished]@datetime", "meta:article:published_time"),
            modified=("time[itemprop=dateModified]@datetime", "meta:article:modified_time"),
            bylines=(".byline a", "jsonld:author"),
            figures=(Figure(box=".ab_photo", caption=".caption"),),
        ),
    ),
    rules=Rules(site_titles=("중앙일보",)),
    unknown=("articles a day", "feeds and sitemaps", "deck", "widgets of the body"),
)
