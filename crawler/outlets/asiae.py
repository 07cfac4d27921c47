"""Asiae (아시아경제). Facts as of 2026-11 from three sources, two of 2025-26."""

from __future__ import annotations

from crawler.model.channels import Channel, Feed
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.common_rules import with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule

OUTLET = Outlet(
    name="asiae",
    title="아시아경제",
    hosts=("www.asiae.co.kr", "view.asiae.co.kr", "core.asiae.co.kr"),
    articles=(r"/article/(?P<id>\d{19})/?",),
    canonical="https://www.asiae.co.kr/article/{id}",
    layouts=(
        Layout(
            name="desktop-2026",
            confidence="A",
            body=("#txt_area", "div.article"),
            headline=(".area_title h1", "meta:og:title"),
            times=(".date_box p",),
            bylines=(".reporter p strong", "jsonld:author"),
        ),
    ),
    channels=(Channel("feed", (Feed("http://view.asiae.co.kr/rss/all.htm"),), confidence="A"),),
    rules=Rules(
        site_titles=("아시아경제",),
        # Pop-ups of stocks, hidden in the sentences.
        widgets=with_common(WidgetRule(name="stock_popups", body_css="span.lay_feature")),
    ),
    unknown=("articles a day", "sitemaps", "deck", "captions"),
)
