"""The short version of bench.encodings: every kind and writing, a part of the labels (F15)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.sites.encodings import KINDS, EncodingCase, cases, run_case

#: Of the cases of a kind one in so many is run; the number of labels is no multiple of it.
_STEP = 29


@pytest.mark.parametrize("kind", KINDS)
def test_no_wrong_text_is_accepted_as_sound(kind: str) -> None:
    tried = [case for case in cases() if case.kind == kind][::_STEP]
    results = {case: run_case(case) for case in tried}
    assert [case for case, result in results.items() if result.ending == "silent"] == []
    assert Counter(result.ending for result in results.values())["exact"] > len(tried) / 3


@pytest.mark.parametrize("kind", ["etoday", "newspim", "list", "feed", "sitemap", "robots"])
@pytest.mark.parametrize("writing", ["utf-8", "utf-8+bom", "cp949", "euc_kr"])
@pytest.mark.parametrize(("header", "meta"), [("", ""), ("utf-8", "euc-kr"), ("euc-kr", "utf-8")])
def test_what_outlets_write_is_read_exactly_under_any_label(
    kind: str, writing: str, header: str, meta: str
) -> None:
    assert run_case(EncodingCase(kind, writing, header, meta)).ending == "exact"


@pytest.mark.parametrize("writing", ["gb2312", "euc_jp", "hz", "iso2022_jp", "big5", "shift_jis"])
@pytest.mark.parametrize("label", ["", "euc-kr", "gb18030", "utf-8"])
def test_a_page_in_another_language_is_never_read_as_korean(writing: str, label: str) -> None:
    assert run_case(EncodingCase("etoday", writing, label)).ending in ("exact", "refused")
