"""Pages made to be slow to read: what each repeats may not be compared with all the others."""

from __future__ import annotations

from datetime import UTC, datetime
from time import process_time

import pytest

from archive.model.exchange import Exchange
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from pipelines.cpu_limit import TOO_COSTLY
from tests.support.documents import SEEDS, read_bytes

SENTENCE = "달빛시장 상인회는 우산 300개를 빌려주기로 했다고 5일 밝혔다. "
LINK = "<h2><a href='/news/view/2600002'>다른 기사</a></h2>"
#: What stands in the body, and what stands behind it; each is repeated to some 300 KB.
PAGES = {
    "pictures": ("<img src='/{}.jpg'>", ""),
    "pictures with captions": ("<figure><img src='/{}.jpg'><p>▲달{} 사진=뉴시스</p></figure>", ""),
    "pictures in one element": ("<picture><source srcset='blank.gif'><img src='blank.gif'>", ""),
    "nested pictures": ("<picture>", ""),
    "nested articles": ("<article>", ""),
    "headlines of articles": (f"<article>{LINK}</article>", ""),
    "lines of a rule": ("<p>관련 뉴스</p>", ""),
    "next articles": ("", "<p>글</p><div class='articleView' itemprop='articleBody'>글</div>"),
    "headlines and next articles": (
        "",
        "<h2>글</h2><div class='articleView' itemprop='articleBody'>글</div>",
    ),
    "nested captions": ("<figure><img src='/{}.jpg'><figcaption>" + "<p>글" * 20, ""),
    "nested times": ("", "<div class='newsinfo'><span>입력 2024-02-05 14:41 " + "글 " * 40),
    "marks": ("\u0301\u0316", ""),
    "nested decks": ("<div class='subview_title'>글", ""),
}


def page(inside: str, behind: str) -> bytes:
    count = 300_000 // max(1, len((inside + behind).encode()))
    return (
        "<html><head><title>글</title></head><body><h1 class='main_title'>달빛시장의 우산</h1>"
        "<div class='newsinfo'><span>입력 2024-02-05 14:41</span></div>"
        f"<div class='articleView' itemprop='articleBody'>{SENTENCE}"
        f"{''.join(inside.format(n, n) for n in range(count))}</div>{behind * count}</body></html>"
    ).encode()


@pytest.mark.parametrize(("inside", "behind"), PAGES.values(), ids=PAGES)
def test_a_page_of_repeated_elements_is_read_in_seconds(inside: str, behind: str) -> None:
    exchange = Exchange(
        url="https://www.etoday.co.kr/news/view/2600001",
        captured_at=datetime(2024, 3, 1, tzinfo=UTC),
        body=page(inside, behind),
        media_type="text/html",
    )
    began = process_time()
    read = read_exchange(exchange, outlet_named("etoday"))
    assert process_time() - began < 5
    assert read.article is not None
    assert read.article.body[0].startswith(SENTENCE.strip())


def test_an_article_within_one_that_was_removed_is_removed_with_it() -> None:
    container = "<div class='articleView' itemprop='articleBody'>{}</div>"
    following = f"<div><h2>다음 기사</h2>{container.format('첫째')}{container.format('둘째')}</div>"
    body = page("", "").replace(b"</body>", f"{following}</body>".encode())
    exchange = Exchange(
        url="https://www.etoday.co.kr/news/view/2600001",
        captured_at=datetime(2024, 3, 1, tzinfo=UTC),
        body=body,
        media_type="text/html",
    )
    article = read_exchange(exchange, outlet_named("etoday")).article
    assert article is not None
    assert article.body == (SENTENCE.strip(),)
    spans = [span.text for span in article.removed if span.rule == "next_article"]
    assert spans == ["다음 기사\n첫째\n둘째"]


@pytest.mark.parametrize("line", ["  • 작게", "개관 10주년", "관련 뉴스", "입력 2018-03-02 09:10"])
def test_a_text_of_repeated_lines_is_read_in_seconds(line: str) -> None:
    path = SEEDS / "etoday" / "own-text.txt"
    text = path.read_text("utf-8")
    many = f"{line}\n" * (200_000 // len(line.encode()))
    at = text.index("달빛마을도서관이")
    began = process_time()
    read = read_bytes("etoday", text[:at] + many + text[at:], media_type="text/plain")
    assert process_time() - began < 5
    assert read.verdict != TOO_COSTLY
