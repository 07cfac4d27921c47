"""Yonhap (연합뉴스). Facts as of 2026-11 from four sources, two of them recent."""

from __future__ import annotations

from crawler.model.channels import Channel, Feed
from crawler.model.layout import Figure, Layout
from crawler.model.outlet import Outlet
from pipelines.common_rules import with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule

OUTLET = Outlet(
    name="yna",
    title="연합뉴스",
    hosts=("www.yna.co.kr", "yna.co.kr"),
    articles=(r"/view/(?P<id>AKR\d{17})/?",),
    canonical="https://www.yna.co.kr/view/{id}",
    layouts=(
        Layout(
            name="desktop-2026",
            confidence="A",
            body=("article.story-news.article", "article.story-news"),
            headline=("h1.tit01", "meta:og:title"),
            subheadlines=(".tit-sub h2",),
            times=(".update-time .txt-time01",),
            bylines=(".txt-con .tit-name a", "jsonld:author"),
            figures=(Figure(box=".image-zone01", caption="figcaption .txt-desc"),),
        ),
    ),
    channels=(Channel("feed", (Feed("https://www.yna.co.kr/rss/news.xml"),), confidence="A"),),
    rules=Rules(
        site_titles=("연합뉴스",),
        widgets=with_common(
            WidgetRule(name="aside", body_css="aside"),
            WidgetRule(name="email_tail", line=r"[\w.+-]+@yna\.co\.kr"),
            WidgetRule(
                name="copyright", css=".txt-copyright", line=r"<저작권자\(c\) 연합뉴스.{0,80}"
            ),
        ),
    ),
    unknown=(
        "articles a day",
        "sitemaps",
        "mobile pages",
        "where a time of modification is printed",
    ),
)
