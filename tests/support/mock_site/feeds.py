"""Sitemaps, RSS and list pages, in the shapes that OUTLETS documents and the standards define."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from tests.support.mock_site.markup import attr, dashed, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.support.mock_site.story import Story

NAMESPACES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'


def news_sitemap(
    stories: Iterable[Story], publication: str, address: Callable[[Story], str]
) -> str:
    """Write a Google News sitemap."""
    entries = "\n".join(
        f"<url><loc>{escape(address(story))}</loc>\n"
        f"<lastmod>{(story.modified or story.published).isoformat()}</lastmod>\n"
        f"<news:news><news:publication><news:name>{publication}</news:name><news:language>ko</news:language>"
        f"</news:publication>\n<news:publication_date>{story.published.isoformat()}</news:publication_date>\n"
        f"<news:title>{escape(story.headline)}</news:title></news:news></url>"
        for story in stories
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset {NAMESPACES}>\n{entries}\n</urlset>\n'


def rss(stories: Iterable[Story], title: str, link: str, address: Callable[[Story], str]) -> str:
    """Write an RSS 2.0 feed; titles as CDATA, the description the first paragraph."""
    entries = "\n".join(
        f"<item><title><![CDATA[{story.headline}]]></title>\n<link>{escape(address(story))}</link>\n"
        f"<description><![CDATA[{story.paragraphs[0]}]]></description>\n"
        f"<pubDate>{format_datetime(story.published)}</pubDate></item>"
        for story in stories
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel>
<title>{escape(title)}</title>
<link>{escape(link)}</link>
<description>{escape(title)}</description>
<language>ko</language>
{entries}
</channel></rss>
"""


def etoday_list(stories: Iterable[Story], address: Callable[[Story], str]) -> str:
    """Write a section list page; without articles the list is there and empty."""
    entries = "\n".join(
        f'<li class="sp_newslist"><div class="cluster_text_headline21">'
        f'<a href="{attr(address(story))}">{text(story.headline)}</a></div>\n'
        f'<div class="cluster_text_press21">{dashed(story.published)}</div></li>'
        for story in stories
    )
    return _page("이투데이", f'<ul id="list_W">\n{entries}\n</ul>')


def newspim_list(stories: Iterable[Story], address: Callable[[Story], str]) -> str:
    """Write a list page; what holds an item is not known, an ``li`` is our choice."""
    entries = "\n".join(
        f'<li><strong class="subject_h">{text(story.headline)}</strong>\n'
        f'<p class="summary"><a href="{attr(address(story))}">{text(story.paragraphs[0])}</a></p>\n'
        f'<p class="byline">{dashed(story.published)}</p></li>'
        for story in stories
    )
    return _page("뉴스핌", f"<ul>\n{entries}\n</ul>")


def newspim_search(stories: Iterable[Story], address: Callable[[Story], str]) -> str:
    """Write a page of search results."""
    entries = "\n".join(
        f"""<article class="thumb_h">
<div class="subject"><a href="{attr(address(story))}">{text(story.headline)}</a></div>
<span class="date">{dashed(story.published)}</span></article>"""
        for story in stories
    )
    return _page("뉴스핌", entries)


def front_page(name: str, stories: Iterable[Story], address: Callable[[Story], str]) -> str:
    """Write a front page: links with headlines, nothing an article page has."""
    entries = "\n".join(
        f'<li><a href="{attr(address(story))}">{text(story.headline)}</a></li>' for story in stories
    )
    return _page(name, f"<ul>\n{entries}\n</ul>")


def not_found(name: str) -> str:
    """Write the page that says that there is none; sent with 404, or with 200 as a soft 404."""
    words = "<h1>페이지를 찾을 수 없습니다</h1>\n<p>삭제되었거나 존재하지 않는 기사입니다.</p>"
    return _page(name, f'{words}\n<a href="/">메인으로</a>')


def deleted(name: str) -> str:
    """Write the page, sent with 200, that says that an article was deleted; how the outlets say it is not known."""
    return _page(name, '<h1>알림</h1>\n<p>삭제된 기사입니다.</p>\n<a href="/">메인으로</a>')


def _page(title: str, inside: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="ko">
<head><meta charset="utf-8"><title>{text(title)}</title></head>
<body>
<header><a href="/">{text(title)}</a></header>
{inside}
<footer>고지: 이 화면은 시험용이다.</footer>
</body>
</html>
"""
