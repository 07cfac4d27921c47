"""Newspim (뉴스핌). Facts as of 2026-11; how sure they are is stated beside them."""

from __future__ import annotations

from datetime import date

from crawler.model.channels import Channel, DailyIds, Feed, ListPage, Sitemap
from crawler.model.layout import Figure, Layout, TextForm
from crawler.model.outlet import Outlet
from pipelines.common_rules import with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule

WWW = "https://www.newspim.com"
#: Codes in feeds and lists: 정치, 사회, 경제, 부동산, 증권·금융, 산업, 글로벌, 전국, 문화·연예,
#: 스포츠, 라이프·여행, 중국.
SECTIONS = ("101", "102", "103", "104", "105", "106", "107", "108", "110", "111", "112", "120")
EVERYTHING = "1"


def _list(code: str) -> ListPage:
    """Return the list of a section; what element holds an item is not known."""
    return ListPage(
        url=f"{WWW}/news/lists/?category_cd={code}&page={{page}}",
        title="strong.subject_h",
        link="p.summary a[href]",
        date="p.byline",
        first=0,
        step=20,
    )


DESKTOP = Layout(
    name="desktop-2026",
    confidence="A",
    since=date(2026, 1, 1),
    root="article.bodynews",
    body=("article.bodynews #news-contents",),
    headline=("article.bodynews .header h1",),
    # article:published_time must not be relied on since about 2022 (C).
    published=("jsonld:datePublished", "time#send-time@datetime"),
    modified=("jsonld:dateModified",),
    times=("article.bodynews .header",),
    # Captions are in a table of the body, not in its paragraphs; older pages use .img-info and
    # data-src.
    figures=(
        Figure(box="table", caption=".news_img_caption"),
        Figure(box="div:has(> .img-info)", caption=".img-info"),
    ),
)

OUTLET = Outlet(
    name="newspim",
    title="뉴스핌",
    hosts=(
        "www.newspim.com",
        "newspim.com",
        *(f"{name}.newspim.com" for name in ("m", "search", "gam", "ir", "member", "mobile2")),
    ),
    image_hosts=("img.newspim.com",),
    articles=(r"/news/view/(?P<id>\d{14})/?", r"/newsamp/view/(?P<id>\d{14})/?"),
    canonical=f"{WWW}/news/view/{{id}}",
    # per_day is not known: its numbers stay under about 1,500 a day, but not all of them are
    # articles.
    page_title=r"^뉴스핌(?: - .*)?$| - 뉴스핌$",
    cron="22 * * * *",  # not all outlets in the same minute
    layouts=(
        DESKTOP,
        DESKTOP.like(
            "desktop-2021",
            since=date(2021, 1, 1),
            until=date(2025, 12, 31),
            root="",
            body=("div#news-contents",),
            headline=("#main-title", "meta:og:title"),
            published=("jsonld:datePublished",),
            times=("div.writetime", "#send-time"),
        ),
        DESKTOP.like(
            "desktop-2018",
            since=date(2018, 1, 1),
            until=date(2020, 12, 31),
            root="",
            body=(".bodynews #news_contents", "#news_contents"),
            headline=(".bodynews_title h1", "meta:og:title"),
            published=(),
            modified=(),
            times=("li.writetime",),
        ),
    ),
    channels=(
        Channel(
            "sitemap",
            tuple(Sitemap(f"{WWW}/sitemap/recent/{name}") for name in ("all_1", "all_2")),
            confidence="B",
        ),
        Channel("list", (_list(EVERYTHING),), whole=True, confidence="B"),
        # Many sources name these addresses, but a check of 2026-08-20 found no live feed; maybe
        # they have moved to another host.
        Channel(
            "feeds",
            tuple(
                Feed(f"http://rss.newspim.com/news/category/{code}")
                for code in (EVERYTHING, *SECTIONS)
            ),
            confidence="A",
        ),
        Channel(
            "section_lists",
            tuple(_list(code) for code in SECTIONS),
            instead_of="list",
            confidence="B",
        ),
        Channel("id_walk", walk=DailyIds(digits=6, most=1500), confidence="A"),
    ),
    text=TextForm(
        recognise=(
            r"^\W*(?:기사입력|기사등록|최종수정) ?: ?\d{4}[년-]\d{2}[월-]\d{2}",
            r"뉴스핌\\?\]|뉴스핌=|\[뉴스핌|@newspim\.com",
        ),
        # A stamp may be printed empty.
        stamp=r"(?:기사입력|기사등록|최종수정) ?:"
        r"(?: ?\d{4}(?:년 ?\d{2}월 ?\d{2}일|-\d{2}-\d{2}) \d{2}:\d{2}(?::\d{2})?)?",
        stamp_label=r"(?:기사입력|기사등록|최종수정) ?:",
        section_after="KYD 디데이",
        deck=True,
        aside=(r"AI 핵심 요약(?: ?beta)?(?: 분석 중\.\.\.)?", r"!?AI가 자동 생성한.*"),
        aside_rule="ai_summary",
        tail=r"[\w.+-]+@newspim\.com",
    ),
    rules=Rules(
        site_titles=("뉴스핌", "뉴스핌 - 글로벌리더의 지름길"),
        id_day=r"(?P<day>\d{8})\d{6}",
        # A: one to three lines, on 4 of 5 pages that show the place; their element is not known.
        deck=True,
        # `[아무르 로이터=뉴스핌] 최원진 기자= … 2023.09.14 wonjc6@newspim.com`: it has the form of
        # a byline, but is a photo's credit.
        caption=(
            r"(?P<credit>\[[^\]]{2,40}\] ?[^=]{2,30}?) ?= ?(?P<caption>.+?\d{4}\.\d{2}\.\d{2})"
            r"(?: (?P<credit_email>[\w.+-]+@newspim\.com))?",
        ),
        flags=(("machine_translated", r"이 기사는 인공지능\(AI\) 번역으로 생산된 콘텐츠"),),
        widgets=with_common(
            WidgetRule(
                name="site_menu",
                line=r"전체기사 최신뉴스 GAM(?: 라씨로)?|전체기사|최신뉴스|GAM|라씨로"
                r"|KYD 디데이",
            ),
            WidgetRule(name="breaking_news", line=r"속보|더보기"),
            WidgetRule(name="font_size", line=r"※ 본문 글자 크기 조정(?: ※ 번역할 언어 선택)?"),
            WidgetRule(name="translation", line=r"※ 번역할 언어 선택"),
            WidgetRule(
                name="ai_summary",
                css="#aiSummary, .ai-summary",
                line=r"AI 핵심 요약(?: ?beta)?(?: 분석 중\.\.\.)?|분석 중\.\.\."
                r"|!?AI가 자동 생성한.{0,80}",
            ),
            WidgetRule(name="ads", css=".adrs"),
            WidgetRule(name="print_buttons", css="div.pop_prt_btns"),
            WidgetRule(name="hidden", css=".hidden-obj"),
            # Many tools print what a page shows to browsers without scripts.
            WidgetRule(name="noscript", line=r"자바스크립트를? .{2,30}"),
            WidgetRule(name="enlarge_image", line=r"(?:\[[\w.-]{1,20}\])?이미지 크게보기"),
            WidgetRule(name="email_tail", line=r"[\w.+-]+@newspim\.com"),
            # A: it and all behind it are the full text of other articles.
            WidgetRule(name="best_articles", section=r"\[뉴스핌 베스트 ?기사\]", is_tail=True),
            WidgetRule(name="global_market_news", section=r"GAM - 해외주식.*"),
            WidgetRule(name="related_news", section=r"\[관련 ?기사\]"),
            WidgetRule(name="keywords", section=r"\[관련 ?키워드\]"),
            WidgetRule(name="shopping", section=r"안다쇼핑"),
            WidgetRule(name="navigation", line=r"뒤로가기|맨위로|Top으로 이동"),
            WidgetRule(name="copyright", line=r"저작권자 ?\(c\) 글로벌리더의 지름길.{0,80}"),
        ),
    ),
)
