"""The growth of the verbs is measured at every size, and written into a page and a file."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bench.growth.newsroom import NAMED, Newsroom
from bench.growth.report import BEGIN, END, Results, write_page
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.sqlite_only(reason="bench.growth measures files")
def test_two_sizes_are_measured_and_kept(tmp_path: Path) -> None:
    page, figures = tmp_path / "performance.md", tmp_path / "figures.json"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    command = [sys.executable, "-m", "bench.growth", "--sizes", "100", "40", "--repeats", "1"]
    command += [
        "--verbs",
        "open",
        "search",
        "export",
        "--no-peers",
        "--keep",
        str(tmp_path / "kept"),
    ]
    command += ["--page", str(page), "--json", str(figures)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert "| verb | 40 | 100 |" in text
    assert "| open the index |" in text
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    sizes = json.loads(figures.read_text())["sizes"]
    assert [sizes[size]["verbs"]["export .csv"]["items"] for size in ("40", "100")] == [40, 100]
    assert all(one["memory_kib"] > 10_000 for one in sizes["100"]["verbs"].values())
    for size in (40, 100):
        path = tmp_path / "kept" / str(size) / "index.sqlite3"
        with closing(sqlite3.connect(path)) as index:
            for table in ("articles", "frontier"):
                (found,) = index.execute(f"SELECT count(*) FROM {table}").fetchone()
                assert found == (size if table == "articles" else size - size // 10)


def test_words_are_as_frequent_as_news_has_them() -> None:
    newsroom = Newsroom(["a", "b"])
    articles = [
        newsroom.article(number, datetime(2026, 1, 1, tzinfo=UTC)) for number in range(2000)
    ]
    for word, share in NAMED.items():
        if share >= 0.05:
            found = sum(word in article.text + article.headline for article in articles) / 2000
            assert share * 0.7 < found < share * 1.3, (word, found)
    assert 800 < sum(len(article.text) for article in articles) / 2000 < 1200
    assert articles[7] == newsroom.article(7, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_page_without_the_marks_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(SystemExit, match="lacks the marks"):
        write_page(page, Results(), has_plot=False)
    assert page.read_text() == "nothing"
