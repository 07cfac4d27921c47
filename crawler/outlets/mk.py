"""Maeil (매일경제). Facts as of 2026-11, checked on real pages of 2025-05, all of one template."""

from __future__ import annotations

from datetime import date

from crawler.model.channels import Channel, Feed, Sitemap
from crawler.model.layout import Figure, Layout
from crawler.model.outlet import Outlet
from pipelines.page import Rules

WWW = "https://www.mk.co.kr"

OUTLET = Outlet(
    name="mk",
    title="매일경제",
    hosts=("www.mk.co.kr", "mk.co.kr", "m.mk.co.kr"),
    image_hosts=("pimg.mk.co.kr",),
    articles=(r"/news/(?P<section>[\w-]+)/(?P<id>\d{8})/?", r"/(?:article|amp)/(?P<id>\d{8})/?"),
    canonical=f"{WWW}/news/{{section}}/{{id}}",
    page_title=r" - 매일경제$",
    layouts=(
        Layout(
            name="desktop-2025",
            confidence="A",
            since=date(2025, 5, 1),
            body=(".news_cnt_detail_wrap[itemprop=articleBody]", ".news_cnt_detail_wrap"),
            headline=("h2.news_ttl", "jsonld:headline", "meta:og:title"),  # it stands there twice
            subheadlines=(".mid_title .midtitle_text",),
            times=(".registration",),
            bylines=(".author .name",),
            emails=(".author .email",),
            section=("meta:article:section",),
            figures=(Figure(box=".thumb_area", caption=".thum_figure_txt"),),
            seen=(date(2025, 5, 28), date(2025, 5, 28), date(2025, 5, 30)),
        ),
    ),
    channels=(
        Channel("sitemap", (Sitemap(f"{WWW}/sitemap/latest-articles/"),), confidence="B"),
        Channel("feed", (Feed(f"{WWW}/rss/30000001/"),), confidence="A"),
        Channel(
            "daily_sitemap",
            (Sitemap(f"{WWW}/sitemap/daily-articles/"),),
            instead_of="sitemap",
            confidence="B",
        ),
    ),
    rules=Rules(site_titles=("매일경제",)),
    unknown=(
        "articles a day",
        "selectors of mobile and AMP pages",
        "where a time of modification is printed",
        "tags",
    ),
)
