"""Newspim's pages, written as OUTLETS describes them. The words of widgets and other articles are made up by us.

Deck, section and tags have no known selector there; the section is printed as the breadcrumb's
words only. The AMP and mobile pages of 2018 are unknown and not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.mock_site.markup import attr, hangul, items, meta, notice, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.mock_site.story import Image, Story

LAYOUTS = ("desktop-2026", "desktop-2021", "desktop-2018")
CHROME = "전체기사 최신뉴스 GAM 라씨로"
#: Other articles in full, each as (title, text, time): what the best-articles block holds.
BEST = (
    (
        "구름시장 상인회, 우산 300개 무료 대여",
        "[구름시=뉴스핌] 나단비 기자 = 구름시장 상인회가 장마철 손님을 위해 우산 300개를 무료로 빌려준다. 상인회는 지난해 우산 "
        '120개를 빌려줘 118개를 돌려받았다고 밝혔다. 빌린 우산은 시장 안 어느 가게에나 돌려주면 된다. 상인회장은 "잃어버린 두 개는 '
        '누군가의 현관에서 잘 지내고 있을 것"이라고 말했다. 2018.03.02 fixture.danbi@newspim.com',
        "2018-03-02 12:12",
    ),
    (
        '"달 탐사 로봇에 솜사탕 기계를"...학생 발명 대회',
        "[은하시=뉴스핌]모래한 기자 = 은하시 학생 발명 대회에서 달 탐사 로봇에 솜사탕 기계를 단 작품이 대상을 받았다. 심사위원단은 "
        "중력이 약한 곳에서 설탕 실이 더 길게 늘어난다는 계산이 정확했다고 평가했다. 대상을 받은 학생들은 다음 대회에서 국수 기계에 "
        "도전하겠다고 밝혔다. fixture.rae@newspim.com",
        "2018-03-02 12:26",
    ),
)
COPYRIGHT = "저작권자(c) 글로벌리더의 지름길 종합뉴스통신사 뉴스핌(Newspim), 무단 전재-재배포 금지"


def address(story: Story, layout: str = "desktop-2026") -> str:  # noqa: ARG001 - every layout has the same host
    """Give the article's address; all known layouts are the desktop's."""
    return f"https://www.newspim.com/news/view/{story.article_id}"


def render(story: Story, layout: str, whose_text: str = "text of its own") -> str:
    """Write the article as an HTML page in the layout."""
    return f"{notice('Newspim', layout, whose_text)}\n{_TEMPLATES[layout](story)}"


def byline(story: Story) -> str:
    """Give what the body's first paragraph begins with, blank included; correspondents have no blank before the ``=``."""
    if not story.reporter:
        return ""
    gap = "" if story.role == "특파원" else " "
    return f"[{story.place}=뉴스핌] {story.reporter} {story.role}{gap}= "


def printed(story: Story) -> tuple[str, ...]:
    """Give the body's paragraphs as printed: the byline before the first."""
    return (byline(story) + story.paragraphs[0], *story.paragraphs[1:])


def render_text(story: Story) -> str:
    """Write the article's page as plain text, in the form of the seed."""
    blocks = list(printed(story))
    for image in reversed(story.images):
        blocks.insert(image.after, image.caption)
    lines = [CHROME, "KYD 디데이", story.section, "", "속보", "", "더보기", "", story.headline, ""]
    lines += [f"기사입력 : {hangul(story.published)}", ""]
    if story.modified:
        lines += [f"최종수정 : {hangul(story.modified)}", ""]
    lines += ["\n\n".join(blocks), ""]
    if story.email:
        lines += ["\N{NO-BREAK SPACE}", "", story.email, ""]
    lines += ["[뉴스핌 베스트 기사]", ""]
    for title, words, moment in BEST:
        lines += ["사진", f"{title} {words} {moment}"]
    return "\n".join([*lines, "안다쇼핑", "Top으로 이동"])


def _head(story: Story, title: str) -> str:
    return "\n".join(
        (
            '<meta charset="utf-8">',
            f"<title>{text(title)}</title>",
            meta("og:title", story.headline),
            *(meta("og:image", image.url) for image in story.images[:1]),
        )
    )


def _chrome(story: Story) -> str:
    return f"""<header>
<a href="#">{CHROME}</a>
<div>KYD 디데이</div>
<div>{text(story.section)}</div>
<div><strong>속보</strong> <ul>{items(("별섬 우체국 엽서 417장 공개",))}</ul> <a href="#">더보기</a></div>
</header>"""


def _caption_table(image: Image) -> str:
    return f"""<table><tbody><tr><td><img src="{attr(image.url)}" alt=""><em>이미지 크게보기</em></td></tr>
<tr><td class="news_img_caption">{text(image.caption)}</td></tr></tbody></table>"""


def _old_image(image: Image) -> str:
    return f"""<div><img data-src="{attr(image.url)}" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">
<div class="img-info">{text(image.caption)}</div></div>"""


def _body(story: Story, picture: Callable[[Image], str]) -> str:
    """Write paragraphs and pictures in order, an empty paragraph, the e-mail as the last one."""
    blocks = [f"<p>{text(paragraph)}</p>" for paragraph in printed(story)]
    for image in reversed(story.images):
        blocks.insert(image.after, picture(image))
    if story.email:
        blocks += ["<p>&nbsp;</p>", f"<p>{text(story.email)}</p>"]
    return "\n".join(blocks)


def _advert(slot: int) -> str:
    return f"""<div class="adrs"><script>window.slots = (window.slots || 0) + {slot};</script>
<iframe src="about:blank" title="광고"></iframe>광고</div>"""


def _tools() -> str:
    return f"""<div class="pop_prt_btns">{COPYRIGHT} 인쇄하기 닫기</div>
<div class="hidden-obj">※ 본문 글자 크기 조정 ※ 번역할 언어 선택</div>
<noscript>자바스크립트를 켜 주세요.</noscript>"""


def _best(tag: str) -> str:
    """Write the best-articles block: a title line and the whole text of other articles."""
    blocks = "\n".join(
        f"<{tag}>사진</{tag}>\n<{tag}>{text(title)}</{tag}>\n<{tag}>{text(words)}</{tag}>\n<{tag}>{moment}</{tag}>"
        for title, words, moment in BEST
    )
    return f"<{tag}>[뉴스핌 베스트 기사]</{tag}>\n{blocks}"


def _foot() -> str:
    return f"""<div>GAM - 해외주식 투자 도우미</div>
<div>[관련기사]</div>
<ul>{items(title for title, _, _ in BEST)}</ul>
<div>[관련키워드]</div>
<div>뒤로가기</div> <div>맨위로</div>
<div>안다쇼핑</div>
<div>Top으로 이동</div>"""


def _desktop_2026(story: Story) -> str:
    # Confidence A: article.bodynews, its header with h1 and time#send-time, the AI summary before
    # #news-contents. B: the words of the change line; its element is our choice. <title> is the
    # site's. Our choice: the best-articles block behind the body, inside section.contents.
    changed = f"<p>최종수정 : {hangul(story.modified)}</p>" if story.modified else ""
    stamp = story.published.isoformat(timespec="seconds")
    return f"""<!DOCTYPE html>
<html lang="ko">
<head>
{_head(story, "뉴스핌")}
</head>
<body>
{_chrome(story)}
<article class="bodynews">
<div class="header">
<h1>{text(story.headline)}</h1>
<p>기사입력 : <time id="send-time" itemprop="datePublished" datetime="{stamp}">{hangul(story.published)}</time></p>
{changed}
</div>
<section class="contents">
{_tools()}
<section id="aiSummary" class="ai-summary"><h2>AI 핵심 요약 beta</h2>
<p>분석 중...</p>
<ul><li>{text(story.headline)} 소식을 기계가 세 줄로 줄였다.</li><li>자세한 내용은 본문에 있다.</li></ul>
<p>AI가 자동 생성한 요약으로 정확하지 않을 수 있습니다.</p></section>
<div id="news-contents">
{_body(story, _caption_table)}
</div>
{_advert(1)}
<div>
{_best("p")}
</div>
</section>
</article>
{_foot()}
</body>
</html>
"""


def _desktop_2021(story: Story) -> str:
    # Confidence A: h2#main-title, div.writetime, span#send-time, div#news-contents > p, captions in
    # a table. B: the words of the change line; its element is our choice. Our choice: the
    # best-articles block inside the body container, in a div of its own.
    changed = f"<p>최종수정 : {hangul(story.modified)}</p>" if story.modified else ""
    return f"""<!DOCTYPE html>
<html lang="ko">
<head>
{_head(story, story.headline)}
</head>
<body>
{_chrome(story)}
<h2 id="main-title">{text(story.headline)}</h2>
<div class="writetime"><p>기사입력 : <span id="send-time">{hangul(story.published)}</span></p>
{changed}</div>
{_tools()}
<div id="news-contents">
{_body(story, _caption_table)}
{_advert(1)}
<div>
{_best("div")}
</div>
</div>
{_foot()}
</body>
</html>
"""


def _desktop_2018(story: Story) -> str:
    # Confidence A: .bodynews_title h1, li.writetime, #news_contents with an underscore; B: data-src
    # and .img-info. B: the words of the change line; that it is a second li.writetime is our
    # choice. Our choice: the best-articles block as paragraphs of the body container.
    changed = (
        f'<li class="writetime">최종수정 : {hangul(story.modified)}</li>' if story.modified else ""
    )
    return f"""<!DOCTYPE html>
<html lang="ko">
<head>
{_head(story, story.headline)}
</head>
<body>
{_chrome(story)}
<div class="bodynews">
<div class="bodynews_title"><h1>{text(story.headline)}</h1>
<ul><li class="writetime">기사입력 : {hangul(story.published)}</li>
{changed}</ul></div>
{_tools()}
<div id="news_contents">
{_body(story, _old_image)}
{_advert(1)}
{_best("p")}
</div>
</div>
{_foot()}
</body>
</html>
"""


_TEMPLATES: dict[str, Callable[[Story], str]] = {
    "desktop-2026": _desktop_2026,
    "desktop-2021": _desktop_2021,
    "desktop-2018": _desktop_2018,
}
