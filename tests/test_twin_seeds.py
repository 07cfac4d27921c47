"""The seed pages in the repository are what the command writes, say so, and carry the seeds' words."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.twin import etoday, newspim
from tests.twin.markup import OURS
from tests.twin.own import etoday_own, newspim_own
from tests.twin.seeds import files
from tests.twin.story import ETODAY_SEED_TEXT, NEWSPIM_SEED_TEXT, SEEDS, etoday_seed, newspim_seed

if TYPE_CHECKING:
    from types import ModuleType

    from tests.twin.story import Story

WRITTEN = files()


def test_the_folders_hold_what_the_command_writes_and_nothing_else() -> None:
    committed = {
        path.relative_to(SEEDS).as_posix(): path.read_bytes()
        for outlet in ("etoday", "newspim")
        for path in (SEEDS / outlet).iterdir()
    }
    assert committed == WRITTEN


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_every_file_says_it_is_ours(name: str) -> None:
    stem = name.rpartition(".")[0]
    facts = json.loads(WRITTEN[f"{stem}.json"])
    assert facts["note"].startswith("Written by the Sacho project")
    assert all(facts.values())
    if name.endswith(".html"):
        page = WRITTEN[name].decode("cp949" if "euckr" in name else "utf-8")
        assert page.rpartition("\r\n\r\n")[2].startswith(OURS)
        published = etoday_own().published if "own" in name else etoday_seed().published
        assert datetime.fromisoformat(facts["captured_at"]) > published


def test_the_seed_stories_hold_the_seeds_words() -> None:
    text = ETODAY_SEED_TEXT.read_text("utf-8")
    widgets = text.index("주요 뉴스")
    assert etoday.render_text(etoday_seed())[:widgets] == text[:widgets]
    text = NEWSPIM_SEED_TEXT.read_text("utf-8")
    widgets = text.index("사진\n")
    assert newspim.render_text(newspim_seed())[:widgets] == text[:widgets]


@pytest.mark.parametrize(
    ("outlet", "story"),
    [
        pytest.param(etoday, etoday_seed(), id="etoday-seed"),
        pytest.param(etoday, etoday_own(), id="etoday-own"),
        pytest.param(newspim, newspim_seed(), id="newspim-seed"),
        pytest.param(newspim, newspim_own(), id="newspim-own"),
    ],
)
def test_every_layout_shows_headline_times_and_every_paragraph(outlet: ModuleType, story: Story) -> None:
    for layout in outlet.LAYOUTS:
        page = outlet.render(story, layout).replace("&nbsp;", "\N{NO-BREAK SPACE}")
        assert story.headline in page
        assert f"{story.published:%H:%M}" in page
        assert all(paragraph in page for paragraph in story.paragraphs)
        assert all(page.count(image.caption) >= 1 for image in story.images)


def test_the_euc_kr_page_needs_cp949() -> None:
    page = WRITTEN["newspim/own-desktop-2018-euckr.html"]
    assert "똠" in page.decode("cp949")
    with pytest.raises(UnicodeDecodeError):
        page.decode("euc-kr")
    with pytest.raises(UnicodeDecodeError):
        page.decode("utf-8")
