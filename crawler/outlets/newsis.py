"""Newsis (뉴시스). Facts as of 2026-11, from two sources of 2023-24."""

from __future__ import annotations

from crawler.model.channels import Channel, Feed
from crawler.model.layout import Layout
from crawler.model.outlet import Outlet
from pipelines.common_rules import with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule

OUTLET = Outlet(
    name="newsis",
    title="뉴시스",
    hosts=("www.newsis.com", "newsis.com", "nwww.newsis.com"),
    articles=(r"/view/(?P<id>NISX\d{8}_\d{10})/?",),
    canonical="https://www.newsis.com/view/{id}",
    layouts=(
        Layout(
            name="desktop-2023",
            confidence="B",
            body=("div.viewer",),
            headline=("h1.tit.title_area", "meta:og:title"),
            times=(".infoLine .left p span",),
        ),
    ),
    channels=(Channel("feed", (Feed("https://www.newsis.com/RSS/sokbo.xml"),), confidence="A"),),
    rules=Rules(
        site_titles=("뉴시스",),
        widgets=with_common(WidgetRule(name="summary", body_css=".summury")),  # its own spelling
    ),
    unknown=(
        "articles a day",
        "authors' elements",
        "captions",
        "what .textBody within the body holds",
        "sitemaps",
    ),
)
