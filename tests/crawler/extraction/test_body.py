"""The body is all of its container in document order; only a named rule removes anything of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extraction.html.reader import PageReader
from tests.crawler.extraction.test_false_success import OUTLETS, URL, read_page, whole, with_body

#: The outlet's folder of articles, as their own pages link to them.
OTHER = {"etoday": "/news/view/9000000101", "newspim": "/news/view/20180302999911"}
LEAD = "<p>첫 문단은 기자가 쓴 문장이다.</p>"
LAST = "<p>끝 문단도 기자가 쓴 문장이다.</p>"


def body_of(outlet: str, inner: str) -> tuple[str, ...]:
    page = read_page(outlet, with_body(outlet, inner))
    assert page.article is not None, page.verdict
    return page.article.body


def removed_of(outlet: str, inner: str) -> dict[str, str]:
    page = read_page(outlet, with_body(outlet, inner))
    assert page.article is not None, page.verdict
    return {span.rule: span.text for span in page.article.removed}


STRUCTURES = {
    "wrapper": ("<div class=x><div><p>가 문장이다.</p><p>나 문장이다.</p></div></div>", 2),
    "section": ("<section><p>가 문장이다.</p></section><p>나 문장이다.</p>", 2),
    "quotation": ("<blockquote>가 문장이다.<p>나 문장이다.</p></blockquote>", 2),
    "list": ("<ul><li>가 문장이다.</li><li>나 문장이다.</li></ul>", 2),
    "numbers": ("<ol><li><p>가 문장이다.</p></li><li>나 문장이다.</li></ol>", 2),
    "headings": ("<h2>가 문장이다.</h2><h6>나 문장이다.</h6>", 2),
    "bare": ("가 문장이다.<br><br>나 문장이다.", 2),
    "definition": ("<dl><dt>가 문장이다.</dt><dd>나 문장이다.</dd></dl>", 2),
    "strong": ("<strong>가 문장이다.</strong><br>나 문장이다.", 2),
    "pre": ("<pre>가 문장이다.</pre><center>나 문장이다.</center>", 2),
    "behind-a-widget": ('<div id="div-gpt-ad-1">x</div>가 문장이다.<p>나 문장이다.</p>', 2),
    "layout-table": ("<table><tr><td><p>가 문장이다.</p><p>나 문장이다.</p></td></tr></table>", 2),
    "figure": ("<figure><p>가 문장이다.</p></figure><aside>나 문장이다.</aside>", 2),
    "unknown-tag": ("<x-part>가 문장이다.</x-part><br><x-part>나 문장이다.</x-part>", 2),
    "details": ("<details><summary>가 문장이다.</summary>나 문장이다.</details>", 2),
}


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("outlet", OUTLETS)
def test_every_block_is_in_the_body_in_document_order(outlet: str, structure: str) -> None:
    inner, _ = STRUCTURES[structure]
    assert body_of(outlet, LEAD + inner + LAST) == (
        "첫 문단은 기자가 쓴 문장이다.",
        "가 문장이다.",
        "나 문장이다.",
        "끝 문단도 기자가 쓴 문장이다.",
    )


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_table_is_a_row_a_line_with_its_cells_separated(outlet: str) -> None:
    table = (
        "<table><caption>표 제목</caption><thead><tr><th>종목</th><th>종가</th></tr></thead><tbody>"
        "<tr><td>삼성<br>전자</td><td><p>70,200</p></td></tr><tr><td></td><td>빈칸</td></tr>"
        "<tr><td>가<table><tr><td>나</td><td>다</td></tr></table></td><td>라</td></tr></tbody></table>"
    )
    assert body_of(outlet, LEAD + table)[1:] == (
        "표 제목",
        "종목 | 종가",
        "삼성 전자 | 70,200",
        "빈칸",
        "가 나 | 다 | 라",
    )


#: What a page may put around a sentence, and what stands beside it.
TAGS = st.sampled_from(["p", "div", "li", "blockquote", "h3", "td", "span", "section", "b"])
TREES = st.recursive(
    st.integers(0, 999).map(lambda n: f"문장{n}이다."),
    lambda inner: st.tuples(TAGS, st.lists(inner, max_size=4)),
    max_leaves=12,
)


def html_of(tree: str | tuple[str, list[object]]) -> str:
    if isinstance(tree, str):
        return f"{tree} "
    tag, children = tree
    inside = "".join(html_of(child) for child in children)  # type: ignore[arg-type]  # recursive
    around = {"td": "<table><tr><td>{}</td></tr></table>", "li": "<ul><li>{}</li></ul>"}
    return around.get(tag, f"<{tag}>{{}}</{tag}>").format(inside)


@given(trees=st.lists(TREES, max_size=5))
def test_no_sentence_is_lost_whatever_it_is_wrapped_in(trees: list[str]) -> None:
    inner = LEAD + "".join(html_of(tree) for tree in trees)
    words = " ".join(body_of("etoday", inner)).replace("|", " ").split()
    text = PageReader(f"<body>{inner}").tree.body
    assert text is not None
    assert "".join(words) == "".join(text.text().split())


HEADINGS = {
    "etoday": ["주요 뉴스", "관련 뉴스", "많이 본 뉴스", "댓글", "마켓 뉴스", "오늘의 상승종목"],
    "newspim": ["[관련기사]", "[관련키워드]", "안다쇼핑", "GAM - 해외주식 시장"],
}


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_sub_heading_with_a_sections_words_cuts_nothing(outlet: str) -> None:
    for heading in HEADINGS[outlet]:
        for tag in ("p", "h3", "strong"):
            body = body_of(outlet, f"{LEAD}<{tag}>{heading}</{tag}>{LAST}")
            assert body[0] == "첫 문단은 기자가 쓴 문장이다."
            assert body[-1] == "끝 문단도 기자가 쓴 문장이다."


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_list_of_links_to_other_articles_goes_with_its_heading(outlet: str) -> None:
    heading, link = HEADINGS[outlet][0], OTHER[outlet]
    items = f"<li><a href={link}>다른 기사의 제목</a> 12:30</li><li><a href={link}>또 하나</a></li>"
    inner = f"{LEAD}<p>{heading}</p><ul>{items}</ul>{LAST}"
    assert len(body_of(outlet, inner)) == 2
    text = f"{heading}\n다른 기사의 제목 12:30\n또 하나"
    assert text in removed_of(outlet, inner).values()
    assert removed_of(outlet, f"{LEAD}<ul>{items}</ul>{LAST}")["linked_articles"]


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_link_within_the_reporters_text_stays(outlet: str) -> None:
    link, own = OTHER[outlet], URL[outlet]
    for sentence in (
        f"<p>본지는 <a href={link}>지난 기사</a>에서 보도했다.</p>",
        f"<p><a href={link}>본지가 지난달 처음 보도했다.</a></p>",
        f"<p><a href={own}>이 기사의 주소</a></p>",
        "<p><a href=https://example.org/>다른 곳의 자료</a></p>",
        "<p><a href=http://[>주소가 아닌 것</a></p>",
    ):
        assert len(body_of(outlet, LEAD + sentence + LAST)) == 3


def test_the_best_articles_end_with_their_element() -> None:
    best = "<div><h3>[뉴스핌 베스트 기사]</h3> <p>사진</p><p>[은하시=뉴스핌] 나단비 기자 = 다른 기사다.</p></div>"
    assert body_of("newspim", LEAD + best + LAST) == body_of("newspim", LEAD + LAST)
    assert "다른 기사다." in removed_of("newspim", LEAD + best + LAST)["best_articles"]
    bare = "[뉴스핌 베스트 기사]<br>사진<br>다른 기사다."
    assert body_of("newspim", LEAD + bare) == body_of("newspim", LEAD)


@pytest.mark.parametrize("outlet", OUTLETS)
@pytest.mark.parametrize("label", ["AD", "[AD]", "광고", "ADVERTISEMENT"])
def test_an_advertisements_label_and_its_slot_are_removed(outlet: str, label: str) -> None:
    inner = f"{LEAD}<p>{label}</p><ins class=adsbygoogle>지금 사세요</ins>{LAST}"
    assert len(body_of(outlet, inner)) == 2
    assert removed_of(outlet, inner)["advertisement"]


@pytest.mark.parametrize("outlet", OUTLETS)
def test_buttons_are_no_text_of_the_article(outlet: str) -> None:
    inner = (
        f"{LEAD}<button>공유</button><noscript>켜 주세요</noscript><select><option>크게</select>"
    )
    assert len(body_of(outlet, inner + LAST)) == 2
    assert removed_of(outlet, inner)["controls"] == "공유\n켜 주세요\n크게"
    chosen = "<select><button><selectedcontent></selectedcontent></button><option>크게</select>"
    assert removed_of(outlet, LEAD + chosen + LAST)["controls"] == "크게"


def next_article(outlet: str) -> str:
    """The page with the next article behind it, as scrolling appends it."""
    page = whole(outlet)
    start, end = {
        "etoday": ('<article class="containerWrap">', "</article>"),
        "newspim": ('<h2 id="main-title">', "<div>GAM - "),
    }[outlet]
    at, to = page.index(start), page.index(end, page.index(start))
    to += len(end) if outlet == "etoday" else 0
    other = page[at:to].replace("기록", "딴판").replace("엽서", "딴판").replace("11:25", "23:59")
    return page[:to] + other.replace("한누리", "나단비") + page[to:]


@pytest.mark.parametrize("outlet", OUTLETS)
def test_the_next_article_of_infinite_scroll_is_not_read(outlet: str) -> None:
    alone, followed = read_page(outlet, whole(outlet)), read_page(outlet, next_article(outlet))
    assert alone.article is not None
    assert followed.article is not None
    for field in ("headline", "body", "published_at", "modified_at", "authors", "tags"):
        assert getattr(followed.article, field) == getattr(alone.article, field), field


@pytest.mark.parametrize("outlet", OUTLETS)
def test_an_article_that_is_appended_within_the_container_is_not_read(outlet: str) -> None:
    other, own = OTHER[outlet], URL[outlet]
    text = "<p>[은하시=뉴스핌] 나단비 기자 = 다른 기사의 문장이다.</p>"
    for appended in (
        f"<div data-url={other}><h2>다른 기사</h2>{text}</div>",
        f"<article><h2><a href={other}>다른 기사</a></h2>{text}</article>",
    ):
        assert len(body_of(outlet, LEAD + LAST + appended)) == 2
        assert "다른 기사의" in removed_of(outlet, LEAD + LAST + appended)["next_article"]
    for own_part in (f"<div data-url={own}>{LAST}</div>", f"<article>{LAST}</article>"):
        assert len(body_of(outlet, LEAD + own_part)) == 2


def test_a_container_within_the_container_is_a_wrapper() -> None:
    inner = f"<div class=articleView itemprop=articleBody>{LEAD}</div>{LAST}"
    assert len(body_of("etoday", inner)) == 2


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_short_body_in_its_element_is_an_article(outlet: str) -> None:
    for body in ("<p>속보다.</p>", "<p>▲부장 홍길동</p>", "<p>[부고] 모친상</p>"):
        assert len(body_of(outlet, body)) == 1


def test_a_photo_with_its_caption_is_an_article() -> None:
    photo = '<div class="img_box_C"><img src="/a.jpg"><p>▲눈 내린 마을이다.</p></div>'
    page = with_body("etoday", photo)
    for headline, is_article in (("[포토] 눈 내린 마을", True), ("눈 내린 마을", False)):
        html = page.replace(
            "달빛마을도서관 '기록의 날'…주민 손글씨 3200쪽, 한자리에 모였다", headline
        )
        article = read_page("etoday", html).article
        assert (article is not None) is is_article
        if article is not None:
            assert [image.caption for image in article.images] == ["눈 내린 마을이다."]
            assert article.body == ()
