"""A setting with an impossible value is refused with a sentence, by every verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("LOG_LEVEL=info", "LOG_LEVEL=info: give INFO"),
        ("LOG_LEVEL=loud", "give one of DEBUG, INFO"),
        ("DOWNLOAD_DELAY=abc", "DOWNLOAD_DELAY=abc: give a number"),
        ("DOWNLOAD_DELAY=nan", "give a number"),
        ("DOWNLOAD_DELAY=-1", "give a number of at least 0"),
        ("RETRY_TIMES=two", "give a whole number"),
        ("CONCURRENT_REQUESTS=0", "give a number of at least 1"),
        ("ROBOTSTXT_OBEY=perhaps", "give 0 or 1"),
        ("RESOLVER_MAP=x", "give an object in JSON"),
    ],
)
@pytest.mark.parametrize("verb", [("crawl", "etoday"), ("show",), ("fetch", "http://x.example/")])
def test_a_wrong_value_is_a_sentence(
    tmp_path: Path, verb: tuple[str, ...], setting: str, sentence: str
) -> None:
    said = Workspace(tmp_path).call(*verb, "-s", setting)
    assert said.code == 2
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "setting", ["DOWNLOAD_TIMEOUT=2.5", "RETRY_PRIORITY_ADJUST=-1", "LOG_LEVEL=INFO"]
)
def test_a_right_value_is_taken(tmp_path: Path, setting: str) -> None:
    said = Workspace(tmp_path).call("list", "-s", setting)
    assert said.code == 0, said


@pytest.mark.parametrize(
    ("verb", "setting"),
    [
        (("list",), "SPIDER_LOADER_CLASS=nothing.Here"),
        (("fetch", "file:///dev/null"), 'EXTENSIONS={"nothing.Here": 1}'),
    ],
)
def test_what_cannot_be_imported_is_a_sentence(
    tmp_path: Path, verb: tuple[str, ...], setting: str
) -> None:
    said = Workspace(tmp_path).run(*verb, "-s", setting)
    assert said.code == 2
    assert "nothing.Here cannot be imported (ModuleNotFoundError" in said.sentences[-1]
    assert "Traceback" not in said.err
