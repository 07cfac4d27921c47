"""Etoday (이투데이). Facts as of 2026-11; how sure they are is stated beside them."""

from __future__ import annotations

from datetime import date

from crawler.model.channels import Channel, Feed, ListPage, RisingIds, Sitemap, anchors
from crawler.model.layout import Figure, Layout, TextForm
from crawler.model.outlet import Outlet
from pipelines.common_rules import CAPTIONS, with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule

WWW = "https://www.etoday.co.kr"
FEEDS = (
    *("finance", "market", "land", "industry", "economy", "global", "politics", "society"),
    *("opinion", "culture-life"),
)
#: The known sections. There are more, so the lists together are not the whole outlet.
SECTIONS = ("1200", "1202", "1206", "1302", "1391", "1601", "1603", "1701")
DESKTOP = Layout(
    name="desktop-2020",
    confidence="A",
    since=date(2020, 1, 1),
    root="article.containerWrap",
    body=("div.articleView[itemprop=articleBody]", "div.articleView"),
    headline=("h1.main_title", ".news_dtail_view_top_wrap h1", "meta:og:title"),
    subheadlines=("div.articleView .subview_title", ".subview_title"),
    times=("div.newsinfo span",),
    bylines=("dd.reporter_name",),
    emails=(".vw_byline",),
    tags=("div.kwd_tags a",),
    figures=(Figure(box=".img_box_C"),),
    less_sure=(("emails", "B"),),
)
MOBILE = DESKTOP.like(
    "mobile",
    confidence="C",
    root="",
    body=("#contents_body",),
    headline=("section.DetailView_Wrap div.view_mtitle > h1", "meta:og:title"),
    times=("div.view_mtitle > p",),
)

OUTLET = Outlet(
    name="etoday",
    title="이투데이",
    hosts=(
        "www.etoday.co.kr",
        "etoday.co.kr",
        *(f"{name}.etoday.co.kr" for name in ("m", "m2", "web1", "web2")),
    ),
    image_hosts=("img.etoday.co.kr",),
    articles=(
        r"/news/view/(?P<id>\d+)/?",
        r"/news/section/newsview\.php\?(?:.*&)?idxno=(?P<id>\d+)(?:&.*)?",
        r"/view\.php\?(?:.*&)?idxno=(?P<id>\d+)(?:&.*)?",
        r"/news/flashnews/flash_view\?(?:.*&)?idxno=(?P<id>\d+)(?:&.*)?",
    ),
    canonical=f"{WWW}/news/view/{{id}}",
    page_title=r" - 이투데이$",
    per_day=300,  # A: about 300-330 according to its ids since 2021, more before
    layouts=(
        DESKTOP,
        DESKTOP.like(
            "desktop-2019",
            since=date(2019, 1, 1),
            until=date(2020, 12, 31),
            root="",
            headline=("h2.main_title", "meta:og:title"),
        ),
        MOBILE,
        MOBILE.like(
            "desktop-2017",
            since=date(2017, 1, 1),
            until=date(2018, 12, 31),
            body=("div#newsContent",),
            headline=(".subject h2", "meta:og:title"),
            times=(".byline em",),
        ),
    ),
    channels=(
        Channel("sitemap", (Sitemap(f"{WWW}/rss/news_sitemap"),), confidence="B"),
        Channel(
            "feed", (Feed("https://rss.etoday.co.kr/eto/etoday_news_all.xml"),), confidence="A"
        ),
        Channel(
            "section_feeds",
            tuple(Feed(f"https://rss.etoday.co.kr/eto/{name}_news.xml") for name in FEEDS),
            confidence="A",
        ),
        Channel(
            "section_lists",
            tuple(
                ListPage(
                    url=f"{WWW}/news/section/subsection?MID={code}&page={{page}}",
                    holder="ul#list_W",
                    item="ul#list_W > li.sp_newslist",
                    link="div.cluster_text_headline21 a",
                    date="div.cluster_text_press21",
                )
                for code in SECTIONS
            ),
            confidence="A",
        ),
        # The address is B; how its items and further pages look is not known. So it is one page, of
        # which every article's address is taken.
        Channel(
            "flash_list",
            (ListPage(url=f"{WWW}/news/flashnews/flash_list", link="a[href]"),),
        ),
        # About 300-330 a day since 2021, 387 in 2020 and 455 on average from 2013 to 2020; no day
        # with more than 500 is known.
        Channel(
            "id_walk",
            walk=RisingIds(
                daily=500,
                anchors=anchors(
                    "761574 2013-07-12, 1855543 2020-02-12, 1959949 2020-11-08",
                    "2016695 2021-04-19, 2343297 2024-03-23, 2512560 2025-10-06",
                    "2541815 2026-01-03, 2556417 2026-02-12, 2603195 2026-07-13",
                    "2631459 2026-10-01",
                ),
            ),
            confidence="A",
        ),
    ),
    text=TextForm(
        recognise=(
            r"^\W*입력 ?:? ?\d{4}-\d{2}-\d{2} \d{2}:\d{2}",
            r"^\W*(?:가장작게|작게보기|더 작게|추가취재 원해요)|@etoday\.co\.kr| - 이투데이$",
        ),
        stamp=r"(?:입력|(?:최종 ?)?수정) ?(?:: ?)?\d{4}-\d{2}-\d{2} \d{2}:\d{2}(?::\d{2})?",
        stamp_label=r"(?:입력|(?:최종 ?)?수정) ?:?",
        sections=True,
        deck=True,
        byline=r"(?=.{2,80}$)[가-힣·, ]{2,30} ?기자(?: ?(?:구독하기|자세히보기|구독)){0,3}"
        r"(?: [\w.+-]+@etoday\.co\.kr)?",
        tail=r"(?:좋아요|화나요|슬퍼요|추가취재 원해요) ?[\d,]*",
    ),
    rules=Rules(
        site_titles=("이투데이",),
        # A: captions without ▲, `(사진=뉴시스)` and `(에프앤가이드)`, alone or behind a title.
        caption=(*CAPTIONS, r"(?P<caption>)\((?P<credit>에프앤가이드)\)"),
        widgets=with_common(
            WidgetRule(
                name="reactions",
                css=".recommend_btn",
                line=r"(?:(?:좋아요|화나요|슬퍼요|추가취재 원해요) ?[\d,]* ?)+",
            ),
            WidgetRule(name="related_news", css=".relation_newslist", section=r"관련 ?뉴스"),
            WidgetRule(name="tags", css=".kwd_tags"),
            WidgetRule(name="company_cards", css=".card-container"),
            WidgetRule(
                name="reporter_news",
                css=".reporter_topNews",
                section=r".{2,15} 기자의 주요 ?뉴스",
            ),
            WidgetRule(
                name="share",
                css=".ico_share",
                line=r"(?:(?:페이스북|트위터|URL ?(?:복사|공유)) ?)+",
            ),
            WidgetRule(name="studio", section=r"e스튜디오"),
            WidgetRule(
                name="rising_stocks", section=r"오늘의 상승종목", until=r"\d{2}\.\d{2} 장종료"
            ),
            WidgetRule(name="market_close", line=r"\d{2}\.\d{2} 장종료"),
            WidgetRule(
                name="crypto_table",
                section=r"실시간 암호화폐 시세",
                line=r"(?:\* )?24시간 변동률 기준",
                until=r"(?:\* )?24시간 변동률 기준",
            ),
            WidgetRule(name="market_news", section=r"마켓 ?뉴스"),
        ),
    ),
)
