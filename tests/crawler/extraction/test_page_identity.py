"""A page that says it is another article is not stored under the requested id without a word."""

from __future__ import annotations

import pytest

from archive.model.article import ADDRESSES_DISAGREE
from archive.model.outcome import Outcome, Reason
from tests.support.documents import SEEDS, read_bytes

OUTLETS = {
    "etoday": (
        "own-desktop-2020.html",
        "https://www.etoday.co.kr/news/view/9000000002",
        "https://m.etoday.co.kr/news/view/9000000777",
        "9000000777",
    ),
    "newspim": (
        "own-desktop-2026.html",
        "https://www.newspim.com/news/view/20180302999902",
        "http://newspim.com/news/view/20180302000777",
        "20180302000777",
    ),
}


def stating(outlet: str, canonical: str = "", og: str = "") -> str:
    """The outlet's page with these addresses stated as its own."""
    page = (SEEDS / outlet / OUTLETS[outlet][0]).read_text("utf-8")
    stated = f'<link rel="canonical" href="{canonical}">' if canonical else ""
    stated += f'<meta property="og:url" content="{og}">' if og else ""
    return page.replace("</head>", f"{stated}</head>")


@pytest.mark.parametrize("how", [(1, 0), (0, 1), (1, 1)], ids=["canonical", "og:url", "both"])
@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_page_that_states_another_article_is_no_article(
    outlet: str, how: tuple[int, int]
) -> None:
    _, url, other, _ = OUTLETS[outlet]
    page = read_bytes(outlet, stating(outlet, other * how[0], other * how[1]), url=url)
    assert page.article is None
    assert page.verdict is not None
    assert (page.verdict.outcome, page.verdict.reason) == (Outcome.UNPARSED, Reason.OTHER_ARTICLE)
    assert OUTLETS[outlet][3] in page.verdict.detail


@pytest.mark.parametrize("outlet", OUTLETS)
def test_addresses_that_disagree_are_flagged(outlet: str) -> None:
    _, url, other, _ = OUTLETS[outlet]
    for canonical, og in ((url, other), (other, url)):
        page = read_bytes(outlet, stating(outlet, canonical, og), url=url)
        assert page.article is not None, page.verdict
        assert page.article.url == url
        assert ADDRESSES_DISAGREE in page.article.flags


@pytest.mark.parametrize("stated", ["own", "mobile", "front", "none", "other site", "broken"])
@pytest.mark.parametrize("outlet", OUTLETS)
def test_other_statements_change_nothing(outlet: str, stated: str) -> None:
    _, url, _, _ = OUTLETS[outlet]
    address = {
        "own": url.partition("://")[2].partition("/")[2],  # relative, as some pages have it
        "mobile": url.replace("//www.", "//m."),
        "front": url.partition("/news")[0] + "/",
        "none": "",
        "other site": "https://example.org/news/view/9000000777",
        "broken": "http://[",
    }[stated]
    address = f"/{address}" if stated == "own" else address
    page = read_bytes(outlet, stating(outlet, address, address), url=url)
    assert page.article is not None, page.verdict
    assert page.article.flags == ()


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_saved_page_takes_the_identity_that_it_states(outlet: str) -> None:
    _, url, other, article_id = OUTLETS[outlet]
    page = read_bytes(outlet, stating(outlet, other, other))
    assert page.article is not None, page.verdict
    assert (page.article.article_id, page.article.flags) == (article_id, ())
    both = read_bytes(outlet, stating(outlet, other, url))
    assert both.article is not None
    assert ADDRESSES_DISAGREE in both.article.flags
