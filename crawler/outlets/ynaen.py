"""Yonhap's English edition. Facts as of 2026-11, checked on a real page of 2019."""

from __future__ import annotations

from datetime import date

from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.common_rules import with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule

OUTLET = Outlet(
    name="ynaen",
    title="Yonhap News Agency",
    hosts=("en.yna.co.kr", "m-en.yna.co.kr"),
    articles=(r"/view/(?P<id>AEN\d{17})/?",),
    canonical="https://en.yna.co.kr/view/{id}",
    page_title=r" \| Yonhap News Agency$",
    layouts=(
        Layout(
            name="desktop-2019",
            confidence="B",
            body=("article.story-news",),
            headline=("header.title-article01 h1.tit",),
            seen=(date(2019, 8, 20),),
        ),
    ),
    rules=Rules(
        widgets=with_common(
            WidgetRule(name="email_tail", line=r"[\w.+-]+@yna\.co\.kr"),
            WidgetRule(name="end_mark", line=r"\(END\)"),
        ),
    ),
    unknown=("articles a day", "feeds and sitemaps", "captions", "authors"),
)
