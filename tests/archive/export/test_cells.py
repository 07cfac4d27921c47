"""A cell of a table that a spreadsheet would take for a formula is text."""

from __future__ import annotations

import pytest

from archive.export.article_files import csv_cell


@pytest.mark.parametrize(
    "before", ["", " ", "\n", "\t", "\r", "\u3000", "\xa0", "\ufeff", "\u202e", "\x00"]
)
@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
def test_a_formula_has_an_apostrophe_before_it(before: str, sign: str) -> None:
    assert csv_cell(f"{before}{sign}HYPERLINK(1)") == f"'{before}{sign}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["제목", "1-2", "a=b", "", "「=」", "(+1)"])
def test_other_text_stays(text: str) -> None:
    assert csv_cell(text) == text
