"""Each outlet's hosts and paths name the same article; its id anchors lie on one rising line."""

from __future__ import annotations

from itertools import pairwise

import pytest

from crawler.model.channels import RisingIds
from crawler.outlets import known_outlets, outlet_named

ETODAY, NEWSPIM = "2631459", "20230915999901"


@pytest.mark.parametrize(
    ("outlet", "url", "article_id"),
    [
        ("etoday", f"https://m2.etoday.co.kr/view.php?idxno={ETODAY}", ETODAY),
        ("etoday", f"http://m.etoday.co.kr/view.php?page=1&idxno={ETODAY}&trc=x", ETODAY),
        ("etoday", f"https://web2.etoday.co.kr/news/view/{ETODAY}", ETODAY),
        ("etoday", f"https://m2.etoday.co.kr/news/view/{ETODAY}?trc=m_view_hot_news", ETODAY),
        ("etoday", f"https://enter.etoday.co.kr/news/view/{ETODAY}", ""),
        ("etoday", "https://m2.etoday.co.kr/view.php?idxno=", ""),
        ("newspim", f"https://ir.newspim.com/news/view/{NEWSPIM}", NEWSPIM),
        ("newspim", f"https://member.newspim.com/news/view/{NEWSPIM}", NEWSPIM),
        ("newspim", f"https://mobile2.newspim.com/news/view/{NEWSPIM}/", NEWSPIM),
        ("newspim", f"https://img.newspim.com/news/view/{NEWSPIM}", ""),
    ],
)
def test_addresses_of_an_article(outlet: str, url: str, article_id: str) -> None:
    address = outlet_named(outlet).identify(url)
    assert (address.article_id if address else "") == article_id
    if address:
        assert address.is_canonical
        assert article_id in address.url


def test_no_two_anchors_are_further_apart_than_the_most_articles_of_a_day_allow() -> None:
    walks = [
        channel.walk
        for outlet in known_outlets().values()
        for channel in outlet.channels
        if isinstance(channel.walk, RisingIds)
    ]
    assert walks
    for walk in walks:
        for before, after in pairwise(walk.anchors):
            days = (after.day - before.day).days
            assert 0 < after.number - before.number < days * walk.daily
