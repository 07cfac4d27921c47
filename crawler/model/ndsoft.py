"""The base of the many papers whose sites NDsoft's publishing system makes: all have one template.

Graded A: more than 40 hosts in one map of selectors, and other crawlers of single papers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crawler.model.channels import Channel, Feed
from crawler.model.layout import Figure, Layout
from crawler.model.outlet import Outlet
from pipelines.common_rules import with_common
from pipelines.page import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.widget_rules import WidgetRule

NDSOFT = Layout(
    name="ndsoft",
    confidence="A",
    # The second spelling is the template's own.
    body=("#article-view-content-div", "article.article-veiw-body"),
    headline=("header.article-view-header .heading", ".heading", "meta:og:title"),
    times=("ul.infomation li",),
    bylines=(".info-name", "jsonld:author"),
    figures=(Figure(box="figure.photo-layout", caption="figcaption"),),
    less_sure=(("bylines", "B"), ("figures", "B")),
)


def ndsoft(
    name: str, title: str, host: str, *, rules: Sequence[WidgetRule] = (), **known: Any
) -> Outlet:
    """Return the outlet of a paper with that template; ``known`` are fields that differ."""
    made = Outlet(
        name=name,
        title=title,
        hosts=(host,),
        articles=(r"/news/articleView\.html\?(?:.*&)?idxno=(?P<id>\d+)(?:&.*)?",),
        canonical=f"https://{host}/news/articleView.html?idxno={{id}}",
        layouts=(NDSOFT,),
        channels=(Channel("feed", (Feed(f"https://{host}/rss/allArticle.xml"),), confidence="A"),),
        rules=Rules(site_titles=(title,), widgets=with_common(*rules)),
        unknown=("articles a day", "selectors of the deck", "mobile pages"),
    )
    return replace(made, **known)
