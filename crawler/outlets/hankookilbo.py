"""Hankook Ilbo (한국일보). Facts as of 2026-11, each layout checked on a real page."""

from __future__ import annotations

from datetime import date

from crawler.model.channels import Channel, Sitemap
from crawler.model.layout import Figure, Layout
from crawler.model.outlet import Outlet
from pipelines.common_rules import with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule

DESKTOP = Layout(
    name="desktop-2026",
    confidence="A",
    since=date(2026, 7, 1),
    body=("div.article-view",),
    headline=("meta:headline", "jsonld:headline", "meta:og:title"),
    subheadlines=("h2.sub-tit-ll",),
    section=("meta:content_category",),
    figures=(Figure(box=".editor-img-box", caption=".caption"),),
    seen=(date(2026, 7, 12),),
)

OUTLET = Outlet(
    name="hankookilbo",
    title="한국일보",
    hosts=("www.hankookilbo.com", "hankookilbo.com", "m.hankookilbo.com"),
    image_hosts=("newsimg.hankookilbo.com", "newsimg-hams.hankookilbo.com"),
    articles=(r"/(?:news/article|News/Read)/(?:[aA]mp/)?(?P<id>A\d{19})/?",),
    canonical="https://www.hankookilbo.com/news/article/{id}",
    page_title=r"(?: \| |ㅣ)한국일보$",
    layouts=(
        DESKTOP,
        # The article is in the data of a script alone; elements hold nothing but its times.
        DESKTOP.like(
            "script-2026",
            since=date(2026, 1, 1),
            until=date(2026, 6, 30),
            body=("json:contentHtml",),
            subheadlines=("json:subTitle",),
            published=("#gtm-article-data@data-deploy-dt",),
            modified=("#gtm-article-data@data-re-deploy-dt",),
            bylines=("json:byLines.writerName",),
            emails=("json:byLines.writerEmail",),
            tags=("json:tags.tag",),
            seen=(date(2026, 1, 29),),
        ),
        DESKTOP.like(
            "desktop-2025",
            since=date(2025, 5, 1),
            until=date(2026, 1, 31),
            body=("div[itemprop=articleBody]",),
            # What the page prints has quotation marks that its own data leaves out.
            headline=("jsonld:headline", "h1.title", "meta:headline"),
            times=("h1.title + .info",),
            # Before the name stand places, which look like names: `순천, 광양 구현모 기자`.
            bylines=("jsonld:author", ".writer .name strong"),
            emails=(".writer .email",),
            seen=(date(2025, 5, 15),),
        ),
    ),
    channels=(
        Channel(
            "sitemap",
            (Sitemap("https://www.hankookilbo.com/sitemap/latest-articles"),),
            confidence="B",
        ),
    ),
    rules=Rules(
        widgets=with_common(
            WidgetRule(
                name="advertisement",
                body_css=".end-ad-container, .no-print.ad",
                line=r"\$\$ARTICLEAD\$\$",
            ),
            WidgetRule(name="byline", body_css=".writer"),
            WidgetRule(name="pull_quote", body_css=".module-quote"),
            WidgetRule(name="reactions", body_css=".btn-area"),
            WidgetRule(
                name="related_news",
                body_css=".more-news, .more-articles, .edit-subscribe",
                section=r"이 기사와 관련된 기사",
            ),
            WidgetRule(name="subscribe", body_css=".newspaper-subscribe"),
        ),
    ),
    unknown=("articles a day", "feeds", "sitemaps of days before", "where 2026 prints its times"),
)
