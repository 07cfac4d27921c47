"""MoneyToday (머니투데이). Facts as of 2026-11 from one source of 2025-12."""

from __future__ import annotations

from crawler.model.channels import Channel, Feed, Sitemap
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.page import Rules

OUTLET = Outlet(
    name="mt",
    title="머니투데이",
    hosts=("www.mt.co.kr", "mt.co.kr"),
    articles=(r"/(?P<section>[\w-]+)/(?P<day>\d{4}/\d\d/\d\d)/(?P<id>\d{19})/?",),
    canonical="https://www.mt.co.kr/{section}/{day}/{id}",
    layouts=(
        Layout(
            name="desktop-2026",
            confidence="B",
            body=("#articleView",),
            headline=("h1.headline", "meta:og:title"),
            times=(".col2 .date",),
            bylines=(".name.col1 strong", "jsonld:author"),
        ),
    ),
    channels=(
        Channel("sitemap", (Sitemap("https://mt.co.kr/b2b/mt_news_google.xml"),), confidence="B"),
        Channel("feed", (Feed("http://rss.mt.co.kr/mt_news.xml"),), confidence="A"),
    ),
    rules=Rules(site_titles=("머니투데이",)),
    unknown=(
        "articles a day",
        "headline and times of pages before 2025-12, whose addresses are news.mt.co.kr/mtview.php",
        "deck",
        "captions",
        "widgets of the body",
    ),
)
