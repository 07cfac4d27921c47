"""Pictures: the real address of each, its caption beside it, and no placeholder."""

from __future__ import annotations

import pytest

from crawler.extraction.html.pictures import pictures_without_caption
from crawler.extraction.html.reader import PageReader
from tests.crawler.extraction.test_body import LAST, LEAD
from tests.crawler.extraction.test_false_success import OUTLETS, read_page, with_body

BASE = "https://news.example.kr/article/1"
BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
IMAGES = {
    "plain": ("<img src=https://img.example.kr/a.jpg>", "https://img.example.kr/a.jpg"),
    "relative": ("<img src=../a.jpg>", "https://news.example.kr/a.jpg"),
    "no-scheme": ("<img src=//img.example.kr/a.jpg>", "https://img.example.kr/a.jpg"),
    "data-src": (f"<img src={BLANK} data-src=/a.jpg>", "https://news.example.kr/a.jpg"),
    "data-original": (
        "<img src=/i/blank.gif data-original=/a.jpg>",
        "https://news.example.kr/a.jpg",
    ),
    "srcset": (
        f'<img src={BLANK} srcset="/s.jpg 320w, /l.jpg 1280w, /m.jpg 640w">',
        "https://news.example.kr/l.jpg",
    ),
    "density": ('<img srcset="/1.jpg, /2.jpg 2x">', "https://news.example.kr/2.jpg"),
    "controls": (
        "<img src='/a\x06\x1b[2J\u202e\x9b.jpg'>",
        "https://news.example.kr/a%06%1B[2J%E2%80%AE%C2%9B.jpg",
    ),
    "no address": ("<img src='http://[\x06'>", "http://[%06"),
    "comma": ('<img srcset="/a,b.jpg 1x">', "https://news.example.kr/a,b.jpg"),
    "picture": (
        f"<picture><source srcset='/a.webp 1x'><img src={BLANK}></picture>",
        "https://news.example.kr/a.webp",
    ),
    "source-alone": (
        "<picture><source data-srcset=/a.webp></picture>",
        "https://news.example.kr/a.webp",
    ),
    "twice": (
        "<img src=/a.jpg><noscript><img src=/a.jpg></noscript>",
        "https://news.example.kr/a.jpg",
    ),
    "bad": ("<img src='http://['>", "http://["),
    "empty fragment": ("<img src=https://img.example.kr/a.jpg#>", "https://img.example.kr/a.jpg"),
}
PLACEHOLDERS = [
    BLANK,
    "about:blank",
    "/img/blank.gif",
    "/loading.gif?v=2",
    "x/no_image.png",
    "1x1.gif",
]


@pytest.mark.parametrize("kind", IMAGES)
def test_a_picture_has_its_real_address(kind: str) -> None:
    html, address = IMAGES[kind]
    body = PageReader(f"<body>{html}</body>").tree.body
    assert body is not None
    assert pictures_without_caption(body, BASE) == [(address, "")]


@pytest.mark.parametrize("address", PLACEHOLDERS)
def test_a_placeholder_is_no_picture(address: str) -> None:
    body = PageReader(f'<body><img src="{address}"></body>').tree.body
    assert body is not None
    assert pictures_without_caption(body, BASE) == []


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_figure_has_its_caption_and_its_text_stays(outlet: str) -> None:
    inner = (
        f"{LEAD}<figure><img src=/a.jpg><figcaption>눈 내린 <b>마을</b></figcaption></figure>{LAST}"
    )
    page = read_page(outlet, with_body(outlet, inner))
    assert page.article is not None, page.verdict
    assert len(page.article.body) == 2
    (image,) = page.article.images
    assert image.url.endswith(".co.kr/a.jpg") or image.url.endswith("newspim.com/a.jpg")
    assert image.caption == "눈 내린 마을"


def test_two_captions_of_one_box_belong_to_its_two_pictures() -> None:
    box = "<div class=img_box_C><img src=/a.jpg><img src=/b.jpg><p>▲왼쪽이다.</p><p>▲오른쪽이다.</p></div>"
    page = read_page("etoday", with_body("etoday", LEAD + box))
    assert page.article is not None
    assert [(i.url[-6:], i.caption) for i in page.article.images] == [
        ("/a.jpg", "왼쪽이다."),
        ("/b.jpg", "오른쪽이다."),
    ]


def test_a_box_that_is_not_closed_takes_no_paragraph_along() -> None:
    box = f"<div class=img_box_C><img src=/a.jpg><p>▲눈 내린 마을이다.</p>{LEAD}{LAST}"
    page = read_page("etoday", with_body("etoday", box))
    assert page.article is not None
    assert len(page.article.body) == 2
    assert [image.caption for image in page.article.images] == ["눈 내린 마을이다."]


def test_values_beside_a_picture_in_a_table_stay() -> None:
    table = (
        "<table><tr><td><img src=/a.jpg></td></tr><tr><td class=news_img_caption>설명이다.</td></tr>"
        "<tr><td>삼성전자</td><td>70,200</td></tr></table>"
    )
    page = read_page("newspim", with_body("newspim", LEAD + table))
    assert page.article is not None
    assert page.article.body[1:] == ("삼성전자 | 70,200",)
    assert [image.caption for image in page.article.images] == ["설명이다."]


def test_a_caption_by_its_words_beside_its_picture() -> None:
    caption = "[은하시 로이터=뉴스핌] 나단비 기자 = 눈 내린 마을이다. 2023.09.14"
    cells = f"<tr><td><img src=/a.jpg></td></tr><tr><td>{caption}</td></tr>"
    page = read_page("newspim", with_body("newspim", f"{LEAD}<table>{cells}</table>"))
    assert page.article is not None
    assert len(page.article.body) == 1
    assert [image.caption for image in page.article.images] == ["눈 내린 마을이다. 2023.09.14"]
    no_picture = f"{LEAD}<table><tr><td>{caption}</td></tr></table>"
    page = read_page("newspim", with_body("newspim", no_picture))
    assert page.article is not None
    assert len(page.article.body) == 2
