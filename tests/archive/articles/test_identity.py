"""Article identity: many addresses and forms of one article, edits, better readings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from archive.articles.queries import search
from archive.captures.rows import captures_of
from archive.index.search.query import parse_query
from archive.model.article import content_key
from archive.warc.record_writer import payload_digest
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from tests.support.archives.captures import Keeper, exchange
from tests.support.documents import NOON, SEEDS

if TYPE_CHECKING:
    from archive.model.exchange import Exchange

ETODAY = "https://www.etoday.co.kr/news/view/9000000002"
TEXT = {outlet: (SEEDS / outlet / "own-text.txt").read_bytes() for outlet in ("etoday", "newspim")}
PAGE = {
    "etoday": (SEEDS / "etoday" / "own-desktop-2020.html").read_bytes(),
    "newspim": (SEEDS / "newspim" / "own-desktop-2021.html").read_bytes(),
}
ADDRESS = {"etoday": ETODAY, "newspim": "https://www.newspim.com/news/view/20180302999902"}
ID = {"etoday": "9000000002", "newspim": "20180302999902"}
DAY = timedelta(days=1)


def text_capture(outlet: str, data: bytes | None = None) -> Exchange:
    return exchange("", TEXT[outlet] if data is None else data, at=None, media_type="text/plain")


def page_capture(
    outlet: str, at: datetime = NOON, body: bytes | None = None, url: str = ""
) -> Exchange:
    return exchange(url or ADDRESS[outlet], PAGE[outlet] if body is None else body, at=at)


def edited(number: int) -> bytes:
    """Return the Etoday page with another number in its first paragraph."""
    return PAGE["etoday"].replace("3200쪽을 처음으로".encode(), f"{number}쪽을 처음으로".encode())


@pytest.mark.parametrize("outlet", ["etoday", "newspim"])
def test_a_text_without_address_gets_an_id_of_its_content(keeper: Keeper, outlet: str) -> None:
    assert keeper.read(outlet, text_capture(outlet)) == ["new"]
    (stored,) = keeper.articles()
    assert stored.article.identity_is_content
    assert stored.article.url == ""
    assert len(stored.article.article_id) == len("content-") + 16


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("order", ["text-first", "page-first"])
@pytest.mark.parametrize("outlet", ["etoday", "newspim"])
def test_text_and_page_of_one_article_are_one(
    keeper: Keeper, outlet: str, order: str, runs: int
) -> None:
    captures = [text_capture(outlet), page_capture(outlet)]
    if order == "page-first":
        captures.reverse()
    batches = [captures] if runs == 1 else [[capture] for capture in captures]
    outcomes = [outcome for batch in batches for outcome in keeper.read(outlet, *batch)]
    assert outcomes == ["new", "unchanged"]
    (stored,) = keeper.articles()
    assert (stored.article.article_id, stored.article.url) == (ID[outlet], ADDRESS[outlet])
    assert len(keeper.revisions(outlet, ID[outlet])) == 1


@pytest.mark.parametrize("outlet", ["etoday", "newspim"])
def test_the_content_id_still_finds_the_article_afterwards(keeper: Keeper, outlet: str) -> None:
    keeper.read(outlet, text_capture(outlet))
    (before,) = keeper.articles()
    keeper.read(outlet, page_capture(outlet))
    (found,) = keeper.revisions(outlet, before.article.article_id)
    assert found.article.article_id == ID[outlet]


def test_what_a_form_lacks_comes_from_the_other(keeper: Keeper) -> None:
    keeper.read("etoday", text_capture("etoday"))
    keeper.read("etoday", page_capture("etoday"))
    (stored,) = keeper.articles()
    assert stored.article.tags == ("달빛마을도서관", "기록의날")
    assert [author.email for author in stored.article.authors] == ["fixture.nuri@etoday.co.kr"]
    assert stored.article.images[0].url.startswith("https://img.etoday.co.kr/")
    assert stored.article.subheadlines[0].startswith("개관 10주년")


def test_the_same_headline_in_another_minute_or_outlet_is_another_article(keeper: Keeper) -> None:
    other = TEXT["etoday"].replace(
        "입력 2018-03-02 09:10".encode(), "입력 2018-03-02 09:11".encode()
    )
    assert keeper.read("etoday", text_capture("etoday"), text_capture("etoday", other)) == [
        "new",
        "new",
    ]
    keeper.read("etoday", page_capture("etoday"))
    assert sorted(s.article.identity_is_content for s in keeper.articles()) == [False, True]


def test_two_addressed_articles_of_one_headline_and_minute_stay_two(keeper: Keeper) -> None:
    other = "https://www.etoday.co.kr/news/view/9000000003"
    assert keeper.read("etoday", page_capture("etoday"), page_capture("etoday", url=other)) == [
        "new",
        "new",
    ]
    assert len(keeper.articles()) == 2
    keeper.read("etoday", text_capture("etoday"))
    assert len(keeper.articles()) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://m.etoday.co.kr/news/view/9000000002",
        "http://etoday.co.kr/news/view/9000000002/",
        "https://www.etoday.co.kr/news/view/9000000002?trc=main_list",
        "https://www.etoday.co.kr/news/section/newsview.php?idxno=9000000002",
        "https://www.etoday.co.kr/news/section/newsview.php?MID=1601&idxno=9000000002&x=1",
        "https://www.etoday.co.kr/news/flashnews/flash_view?idxno=9000000002",
        "https://web1.etoday.co.kr/news/view/9000000002#c",
    ],
)
def test_other_addresses_of_an_article_are_its_aliases(keeper: Keeper, url: str) -> None:
    outcomes = keeper.read(
        "etoday", page_capture("etoday"), page_capture("etoday", NOON + DAY, url=url)
    )
    assert outcomes == ["new", "unchanged"]
    (stored,) = keeper.articles()
    assert stored.article.url == ETODAY
    assert [s.revision for s in keeper.revisions("etoday", url)] == [1], (
        "the address finds the article"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://m.newspim.com/news/view/20180302999902",
        "https://newspim.com/news/view/20180302999902",
        "http://gam.newspim.com/news/view/20180302999902?x=1",
        "https://m.newspim.com/newsamp/view/20180302999902",
    ],
)
def test_newspims_hosts_and_amp_are_one_article(keeper: Keeper, url: str) -> None:
    assert keeper.read("newspim", page_capture("newspim", url=url), page_capture("newspim")) == [
        "new",
        "unchanged",
    ]
    (stored,) = keeper.articles()
    assert stored.article.url == ADDRESS["newspim"]


@pytest.mark.parametrize(
    "url",
    [
        "https://enter.etoday.co.kr/news/view/9000000002",
        "https://www.etoday.co.kr/news/view/",
        "https://www.etoday.co.kr/news/view/abc",
        "https://www.etoday.co.kr/news/view/１２３",
        "https://www.etoday.co.kr/news/view/9000000002/edit",
        "https://www.etoday.co.kr/",
        "https://www.etoday.co.kr.example.org/news/view/1",
        "https://example.org/?u=https://www.etoday.co.kr/news/view/1",
    ],
)
def test_an_address_that_is_no_article_of_the_outlet_is_passed_over(
    keeper: Keeper, url: str
) -> None:
    assert keeper.read("etoday", page_capture("etoday", url=url)) == ["skipped/not_an_article"]
    assert keeper.articles() == []


def test_a_changed_paragraph_is_revision_2_and_the_first_stays(keeper: Keeper) -> None:
    assert keeper.read("etoday", page_capture("etoday")) == ["new"]
    assert keeper.read("etoday", page_capture("etoday", NOON + DAY, edited(3201))) == ["changed"]
    first, second = keeper.revisions("etoday", ID["etoday"])
    assert (first.revision, second.revision) == (1, 2)
    assert "3200쪽을 처음으로" in first.article.body[0]
    assert "3201쪽을 처음으로" in second.article.body[0]
    (current,) = keeper.articles()
    assert current.revision == 2


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("together", [True, False], ids=["one-run", "three-runs"])
def test_captures_out_of_order_end_in_the_same_versions(
    keeper: Keeper, order: tuple[int, ...], together: bool
) -> None:
    captures = [page_capture("etoday", NOON + DAY * n, edited(n)) for n in range(3)]
    if together:
        keeper.read("etoday", *(captures[n] for n in order))
    else:
        for n in order:
            keeper.read("etoday", captures[n])
    versions = keeper.revisions("etoday", ID["etoday"])
    assert [f"{n}쪽을 처음으로" in v.article.body[0] for n, v in enumerate(versions)] == [True] * 3
    assert [v.captured_at for v in versions] == [NOON + DAY * n for n in range(3)]
    assert [v.revision for v in versions] == [1, 2, 3], "numbered by time, whichever came first"
    assert [v.location.payload_digest for v in versions] == [
        payload_digest(capture) for capture in captures
    ]
    (current,) = keeper.articles()
    assert "2쪽을 처음으로" in current.article.body[0]


@pytest.mark.parametrize("together", [True, False], ids=["one-run", "three-runs"])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_version_that_comes_back_is_current_again_in_any_order(
    keeper: Keeper, order: tuple[int, ...], together: bool
) -> None:
    captures = [page_capture("etoday", NOON + DAY * n, edited(n % 2)) for n in range(3)]
    for batch in [order] if together else [(n,) for n in order]:
        keeper.read("etoday", *(captures[n] for n in batch))
    versions = keeper.revisions("etoday", ID["etoday"])
    (current,) = keeper.articles()
    assert "0쪽을 처음으로" in current.article.body[0]
    assert ["0쪽을 처음으로" in version.article.body[0] for version in versions] == [
        True,
        False,
        True,
    ]
    with keeper.index() as index, index.reading() as connection:
        shown = [
            (shown.captured_at, shown.revision) for shown in captures_of(connection, current.row_id)
        ]
    assert shown == [(NOON + DAY * n, versions[n].revision) for n in range(3)], (
        "each shows the version of its day"
    )
    assert keeper.read("etoday", *captures) == ["unchanged"] * 3
    assert len(keeper.revisions("etoday", ID["etoday"])) == 3


def test_an_earlier_capture_of_the_same_version_moves_its_beginning(keeper: Keeper) -> None:
    keeper.read("etoday", page_capture("etoday", NOON + DAY))
    assert keeper.read("etoday", page_capture("etoday", NOON)) == ["unchanged"]
    (version,) = keeper.revisions("etoday", ID["etoday"])
    assert version.captured_at == NOON
    with keeper.index() as index, index.reading() as connection:
        first = captures_of(connection, version.row_id)[0]
    assert version.location.record_id == first.location.record_id, (
        "it is read from its first capture"
    )


@pytest.mark.parametrize("form", ["page", "text"])
@pytest.mark.parametrize("field", ["headline", "body", "published_at"])
def test_another_reading_of_the_same_capture_replaces_it(
    keeper: Keeper, form: str, field: str
) -> None:
    capture = page_capture("etoday") if form == "page" else text_capture("etoday")
    page = read_exchange(capture, outlet_named("etoday"), "made")
    assert page.article is not None
    better = {
        "headline": "다른 제목",
        "body": ("다른 본문으로 읽었다. 충분히 긴 문단이다.",),
        "published_at": datetime(2018, 3, 2, 0, 12, tzinfo=UTC),
    }[field]
    wrong = replace(page.article, **{field: better})
    if wrong.identity_is_content:
        wrong = replace(wrong, article_id=content_key(wrong))
    keeper.keep(replace(page, article=wrong))
    (result,) = keeper.keep(page)
    assert str(result.verdict) == "changed"
    (stored,) = keeper.articles()
    assert stored.revision == 1
    assert getattr(stored.article, field) == getattr(page.article, field)
    (again,) = keeper.keep(page)
    assert str(again.verdict) == "unchanged"


def test_a_capture_that_can_be_read_at_last_becomes_an_article(keeper: Keeper) -> None:
    page = read_exchange(page_capture("etoday"), outlet_named("etoday"), "made")
    blind = read_exchange(
        page_capture("etoday", body=b"<html></html>"), outlet_named("etoday"), "made"
    )
    (result,) = keeper.keep(replace(page, article=None, verdict=blind.verdict))
    assert str(result.verdict).startswith("unparsed/")
    assert keeper.articles() == []
    (result,) = keeper.keep(page)
    assert str(result.verdict) == "new"
    (stored,) = keeper.articles()
    assert stored.article.headline


def test_search_finds_the_current_version_only(keeper: Keeper) -> None:
    keeper.read("etoday", page_capture("etoday", NOON, edited(7771)))
    keeper.read("etoday", page_capture("etoday", NOON + DAY, edited(7772)))
    with keeper.index() as index, index.reading() as connection:
        assert [len(search(connection, parse_query(f"{n}"), 5)[0]) for n in (7771, 7772)] == [0, 1]
        assert [len(search(connection, parse_query(f"{n}쪽을"), 5)[0]) for n in (7771, 7772)] == [
            0,
            1,
        ]
