"""Etoday's pages, written as OUTLETS describes them. The widgets' words are made up by us.

Where OUTLETS does not say where a thing stands, a template chooses one place and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.mock_site.markup import attr, dashed, items, links, meta, notice, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.mock_site.story import Story

LAYOUTS = ("desktop-2020", "desktop-2019", "mobile", "desktop-2017")
FONT_SIZES = ("가장작게", "작게", "기본", "크게", "가장크게")
RECOMMEND = ("좋아요", "화나요", "슬퍼요", "추가취재 원해요")
RELATED = ("달빛마을 우물 복원 끝나…“물맛 그대로”", "도서관 고양이 ‘서고’, 사서 보조로 임명")
TOP_NEWS = (
    "[동네한바퀴] 별빛시장, 비 오는 날에만 여는 만둣집",
    '"이렇게 긴 국수는 처음"…국수 마을 기네스 도전',
    "은하은행, 동전 저금통 금리 0.1%p 올려 [상보]",
    "[기업탐구] 구름솜사탕, 장마철 재고를 어떻게 넘겼나",
)
COINS = (
    ("비트코인", "12,345,000", "-1.11%"),
    ("이더리움", "1,234,000", "+2.22%"),
    ("리플", "123", "-3.33%"),
)


def address(story: Story, layout: str = "desktop-2020") -> str:
    """Give the article's address as the layout's pages have it."""
    host = "m.etoday.co.kr" if layout == "mobile" else "www.etoday.co.kr"
    return f"https://{host}/news/view/{story.article_id}"


def render(story: Story, layout: str, whose_text: str = "text of its own") -> str:
    """Write the article as an HTML page in the layout."""
    return f"{notice('Etoday', layout, whose_text)}\n{_TEMPLATES[layout](story)}"


def render_text(story: Story) -> str:
    """Write the article's page as plain text, in the form of the seed."""
    times = _times(story)
    lines = [story.headline, "", times]
    lines += ["\n".join((f"  • {size}", "")) for size in FONT_SIZES]
    lines += [*story.deck, *([""] if story.deck else [])]
    for image in story.images:
        lines += [image.caption, image.caption]
    lines += ["\n\n".join(story.paragraphs), ""]
    lines += [f"  • {word}0" for word in RECOMMEND]
    lines += ["", "주요 뉴스", "", *(f"  • {words}" for words in TOP_NEWS)]
    lines += ["  • 오늘의 상승종목", "", "  • 05.07 장종료", "", "실시간 암호화폐 시세", ""]
    lines += [f"  • {head}" for head in ("종목", "현재가(원)", "변동률")]
    lines += [f"    • {cell}" for coin in COINS for cell in coin]
    return "\n".join([*lines, "* 24시간 변동률 기준"])


def _times(story: Story) -> str:
    """Write the line under the headline; minutes only, the change optional."""
    changed = f" 수정 {dashed(story.modified)}" if story.modified else ""
    return f"입력 {dashed(story.published)}{changed}"


def _head(story: Story, *, published: bool = True) -> str:
    lines = [
        '<meta charset="utf-8">',
        f"<title>{text(story.headline)} - 이투데이</title>",
        meta("og:title", story.headline),
        *(meta("og:image", image.url) for image in story.images[:1]),
    ]
    if published:
        lines.append(meta("article:published_time", story.published.isoformat(timespec="seconds")))
    return "\n".join(lines)


def _image_boxes(story: Story) -> str:
    """Write the pictures; the caption stands twice in the page's text, as in the seed."""
    return "\n".join(
        f'<div class="img_box_C"><img src="{attr(image.url)}" alt="">\n'
        f"<p>{text(image.caption)}</p>\n<p>{text(image.caption)}</p></div>"
        for image in story.images
    )


def _paragraphs(story: Story) -> str:
    return "\n".join(f"<p>{text(paragraph)}</p>" for paragraph in story.paragraphs)


def _byline(story: Story) -> str:
    """Write the reporter's box. Where the e-mail stands beside the name is not known: a second ``dd`` is our choice."""
    if not story.reporter:
        return ""
    return f"""<div class="vw_byline"><div class="vw_by_reporter"><ul><li><dl>
<dd class="reporter_name">{text(story.reporter)} {text(story.role)} <button>구독하기</button> <a href="#">자세히보기</a></dd>
<dd>{text(story.email)}</dd>
</dl></li></ul></div></div>"""


def _tags(story: Story) -> str:
    if not story.tags:
        return ""
    words = " ".join(
        f'<a href="/search/?keyword={attr(tag)}&amp;fldSort=1&amp;page=1">#{text(tag)}</a>'
        for tag in story.tags
    )
    return f'<div class="kwd_tags">{words}</div>'


def _related() -> str:
    pairs = [(f"/news/view/{9000000101 + n}", words) for n, words in enumerate(RELATED)]
    return (
        f'<div class="relation_newslist"><strong>관련 뉴스</strong>\n<ul>{links(pairs)}</ul></div>'
    )


def _recommend() -> str:
    return f'<div class="recommend_btn"><ul>{items(f"{word}0" for word in RECOMMEND)}</ul></div>'


def _company_card() -> str:
    return """<div class="card-container"><div>구름솜사탕</div><div>현재가 1,230 ▼ 20 -1.60%</div>
<p>최근 공시 [기재정정]솜사탕 기계 취득 결정</p></div>"""


def _reporter_news(story: Story) -> str:
    who = story.reporter or "담당"
    pairs = [(f"/news/view/{9000000111 + n}", words) for n, words in enumerate(TOP_NEWS[:2])]
    return f'<div class="reporter_topNews"><strong>{text(who)} 기자의 주요 뉴스</strong>\n<ul>{links(pairs)}</ul></div>'


def _share() -> str:
    return f'<div class="ico_share"><ul>{items(("페이스북", "트위터", "URL 복사"))}</ul></div>'


def _market() -> str:
    """Write the widgets that only their words give away."""
    pairs = [(f"/news/view/{9000000121 + n}", words) for n, words in enumerate(TOP_NEWS)]
    rows = "\n".join("<ul>" + items(coin) + "</ul>" for coin in COINS)
    return f"""<div><h2>주요 뉴스</h2>
<ul>{links(pairs)}</ul>
<ul><li>오늘의 상승종목</li>
<li>05.07 장종료</li></ul>
<h2>실시간 암호화폐 시세</h2>
<ul>{items(("종목", "현재가(원)", "변동률"))}</ul>
{rows}
<p>* 24시간 변동률 기준</p>
<h2>마켓 뉴스</h2>
<ul>{links(pairs[2:])}</ul></div>"""


def _most_read() -> str:
    pairs = [(f"/news/view/{9000000131 + n}", words) for n, words in enumerate(TOP_NEWS)]
    return f"""<aside><h2>많이 본 뉴스</h2>
<ol>{links(pairs)}</ol>
<h2>e스튜디오</h2>
<p>동네 한 바퀴를 영상으로 봅니다</p>
<div>댓글</div>
<p>0 / 300</p></aside>"""


def _advert(slot: int) -> str:
    return f"""<div id="div-gpt-ad-90000000{slot:02d}-0"><script>window.slots = (window.slots || 0) + 1;</script></div>
<iframe src="about:blank" title="광고"></iframe>"""


def _desktop(story: Story, headline_tag: str, deck: str, inside: str, after: str) -> str:
    """Fill the DOM that has been stable since 2020; ``inside`` closes the body container, ``after`` follows it."""
    return f"""<!DOCTYPE html>
<html lang="ko">
<head>
{_head(story)}
</head>
<body>
<div class="wrap">
<nav><ul>{items(("증권·금융", "부동산", "기업", "글로벌경제", "정치·경제", "사회", "오피니언"))}</ul></nav>
<article class="containerWrap">
<section class="news_dtail_view_top_wrap">
<{headline_tag} class="main_title">{text(story.headline)}</{headline_tag}>
<div class="view_top_container">
<div class="newsinfo"><span>{_times(story)}</span></div>
{_byline(story)}
{_share()}
<ul>{items(FONT_SIZES)}</ul>
</div>
</section>
<section class="view_body_moduleWrap"><div class="l_content_module"><div><div><div class="view_contents">
<div class="articleView" itemprop="articleBody">
{deck}
{_image_boxes(story)}
{_paragraphs(story)}
{inside}
</div>
{after}
</div></div></div>
{_most_read()}
</div></section>
</article>
</div>
</body>
</html>
"""


def _desktop_2020(story: Story) -> str:
    # Confidence A for the containers, headline, times, byline, body, images and tags; B for the
    # deck. Our choice: related news, tags and an advertisement inside the body container, the other
    # widgets behind it.
    deck = (
        f'<div class="subview_title">{"<br>".join(map(text, story.deck))}</div>'
        if story.deck
        else ""
    )
    inside = "\n".join((_advert(1), _related(), _tags(story)))
    after = "\n".join(
        (_recommend(), _company_card(), _reporter_news(story), _share(), _market(), _advert(2))
    )
    return _desktop(story, "h1", deck, inside, after)


def _desktop_2019(story: Story) -> str:
    # Confidence A for h2.main_title around 2019-20; the rest is taken from the DOM of 2020.
    # Our choice: the deck inside a body paragraph, and every widget inside the body container.
    lines = "<br>".join(map(text, story.deck))
    deck = f'<p><strong class="subview_title">{lines}</strong></p>' if story.deck else ""
    inside = "\n".join(
        (
            _recommend(),
            _related(),
            _tags(story),
            _company_card(),
            _reporter_news(story),
            _share(),
            _market(),
        )
    )
    return _desktop(story, "h2", deck, inside, _advert(1))


def _mobile(story: Story) -> str:
    # Confidence C: section.DetailView_Wrap, div.view_mtitle > h1, its p minus its span,
    # #contents_body > p. What the span says, and where deck, byline and change time stand, is not
    # known: the span's word is ours, the others are left out. Pictures and widgets stand as on the
    # desktop, the widgets as body paragraphs.
    pairs = [(f"/news/view/{9000000121 + n}", words) for n, words in enumerate(TOP_NEWS)]
    return f"""<!DOCTYPE html>
<html lang="ko">
<head>
{_head(story)}
</head>
<body>
<section class="DetailView_Wrap">
<div class="view_mtitle"><h1>{text(story.headline)}</h1>
<p><span>입력</span> {dashed(story.published)}</p></div>
<div>작게보기 기본크기 크게보기</div>
{_share()}
<div id="contents_body">
{_image_boxes(story)}
{_paragraphs(story)}
{_advert(1)}
{_related()}
{_tags(story)}
<p>주요 뉴스</p>
<ul>{links(pairs)}</ul>
<p>오늘의 상승종목</p>
<p>05.07 장종료</p>
<p>실시간 암호화폐 시세</p>
<ul>{items(" ".join(coin) for coin in COINS)}</ul>
<p>* 24시간 변동률 기준</p>
</div>
{_recommend()}
{_most_read()}
</section>
</body>
</html>
"""


def _desktop_2017(story: Story) -> str:
    # Confidence C: div#newsContent, .subject h2, .byline em. What the em holds is not known: that
    # it is the times is our inference, so is the reporter's name behind it. Meta of that time is
    # not known: og:title only. Where the deck stood is not known: left out.
    who = " ".join(part for part in (story.reporter, story.role, story.email) if part)
    return f"""<!DOCTYPE html>
<html lang="ko">
<head>
<meta charset="utf-8">
<title>{text(story.headline)} - 이투데이</title>
{meta("og:title", story.headline)}
</head>
<body>
<div class="subject"><h2>{text(story.headline)}</h2></div>
<div class="byline"><em>{_times(story)}</em> {text(who)}</div>
<ul>{items(FONT_SIZES)}</ul>
<div id="newsContent">
{_image_boxes(story)}
{_paragraphs(story)}
{_advert(1)}
{_related()}
</div>
{_tags(story)}
{_recommend()}
{_market()}
{_most_read()}
</body>
</html>
"""


_TEMPLATES: dict[str, Callable[[Story], str]] = {
    "desktop-2020": _desktop_2020,
    "desktop-2019": _desktop_2019,
    "mobile": _mobile,
    "desktop-2017": _desktop_2017,
}
