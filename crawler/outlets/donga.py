"""Dong-A (동아일보). Facts as of 2026-11; the layout of 2013 is checked on a real page."""

from __future__ import annotations

from datetime import date

from crawler.model.channels import Channel, Feed
from crawler.model.layout import Figure, Layout
from crawler.model.outlet import Outlet
from pipelines.common_rules import with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule

OUTLET = Outlet(
    name="donga",
    title="동아일보",
    hosts=("www.donga.com", "news.donga.com"),
    image_hosts=("dimg.donga.com",),
    articles=(
        r"/news/(?P<section>[\w/-]+)/(?P<day>\d{8})/(?P<id>\d+)/\d+/?",
        r"/3/\w+/\d{8}/(?P<id>\d+)/\d+/?",
    ),
    canonical="https://www.donga.com/news/{section}/{day}/{id}/1",
    layouts=(
        Layout(
            name="desktop-2026",
            confidence="A",
            body=(".news_view",),
            headline=(".head_group h1", "meta:og:title"),
            subheadlines=("h2.sub_tit",),
            times=(".date_info p span",),
            bylines=(".author_info a", "jsonld:author"),
        ),
        Layout(
            name="desktop-2013",
            confidence="B",
            since=date(2013, 1, 1),
            until=date(2013, 12, 31),
            body=(".article_txt",),
            headline=(".article_title h1",),
            # Set in bold within the text: what stands above it, and headings in its midst.
            subheadlines=(".article_txt > strong, .article_txt > b",),
            times=(".article_title .title_foot",),
            figures=(Figure(box=".articlePhotoC, .articlePhotoR", caption=".t"),),
            seen=(date(2013, 10, 24),),
        ),
    ),
    channels=(Channel("feed", (Feed("https://rss.donga.com/total.xml"),), confidence="A"),),
    rules=Rules(
        site_titles=("동아일보",),
        widgets=with_common(
            WidgetRule(name="related_news", body_css=".article_relation"),
            WidgetRule(name="share", body_css=".t_sns"),
        ),
    ),
    unknown=("articles a day", "sitemaps", "captions of today", "layouts between 2013 and 2025"),
)
