"""Write the notebooks, one for each language: ``python -m docs.notebooks.make``.

Both are made of one list of cells. No outputs are kept: they would hold the paths and the fonts of
whoever ran them, and a test runs the notebooks anyway.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from string import Template

FOLDER = Path(__file__).resolve().parent
LANGUAGES = ("ko", "en")


@dataclass(frozen=True)
class Text:
    """A cell of text in both languages."""

    ko: str
    en: str


@dataclass(frozen=True)
class Code:
    """A cell of code; ``$NAME`` stands for a word of `WORDS`."""

    source: str


WORDS = {
    "ko": {
        "title": "일주일 동안 바뀐 제목",
        "hours": "게재부터 첫 제목 변경까지 (시간)",
        "first": "처음 본 제목",
        "headline": "제목의 말이 바뀜",
        "relabel": "속보·종합 등 표시만 바뀜",
    },
    "en": {
        "title": "Headlines that changed within a week",
        "hours": "hours from publication to the first change of the headline",
        "first": "headline first seen",
        "headline": "its words changed",
        "relabel": "only its label changed",
    },
}

CELLS: tuple[Text | Code, ...] = (
    Text(
        ko="""# 일주일 동안 바뀐 제목

사초는 기사를 다시 찾아갈 때마다 받은 그대로 보관하고, 내용이 달라지면 새 판(revision)을 기록합니다.
이 노트북은 보관소를 파이썬으로 열어 한 주 동안의 제목 변화를 그립니다.

여기 쓰인 쪽은 모두 **사초 프로젝트가 지어낸 것**입니다. 이투데이와 뉴스핌 쪽의 *모양*을 빌렸을 뿐,
두 매체가 실제로 낸 기사나 제목 고치는 습관과는 아무 관계가 없습니다.
`pip install 'sacho[pandas]' matplotlib`으로 준비하고, 사초 소스의 `docs/notebooks`에서 실행하세요.""",
        en="""# Headlines that changed within a week

Sacho keeps what an outlet serves each time it visits an article, and records a new revision when the
content differs. This notebook opens an archive from Python and draws a week of headline changes.

All pages used here were **written by the Sacho project**. They have the *shape* of the pages of Etoday
and Newspim, and say nothing of what these outlets publish or of how they edit headlines.
`pip install 'sacho[pandas]' matplotlib` has what it needs; run it in `docs/notebooks` of Sacho's source.""",
    ),
    Text(
        ko="""## 보관소 만들기

`week.py`가 저장된 쪽을 쓰고, `sacho replay`가 네트워크 없이 읽어 임시 폴더에 보관합니다.
가진 보관소가 있다면 이 칸 대신 `archive = open_archive()` 한 줄이면 됩니다.""",
        en="""## An archive

`week.py` writes the saved pages, and `sacho replay` reads them into an archive in a temporary folder, without
the network. With an archive of your own, `archive = open_archive()` stands for this cell.""",
    ),
    Code(
        """import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from week import write_week

from archive import open_archive

place = TemporaryDirectory()
pages = Path(place.name, "pages")
pages.mkdir()
print(write_week(pages), "pages")

os.environ["SACHO_HOME"] = place.name
for name in ("ARCHIVE_URL", "INDEX_URL"):
    os.environ.pop(name, None)
replay = [sys.executable, "-m", "crawler", "replay", str(pages)]
subprocess.run(replay, check=True, stdout=subprocess.DEVNULL)

archive = open_archive()
archive"""
    ),
    Text(
        ko="""## 판이 여럿인 기사

`edited:yes`는 판이 둘 이상인 기사를 찾습니다. `change_classes`는 앞선 판에서 무엇이 바뀌었는지를 말합니다:
`headline`은 제목의 말, `relabel`은 속보·종합 같은 표시입니다. 시각은 모두 한국 표준시입니다.""",
        en="""## Articles with several revisions

`edited:yes` finds the articles that have more than one revision. `change_classes` says what changed since the
revision before: `headline` is its words, `relabel` a label such as 속보 (breaking) or 종합 (roundup). All times
are Korean.""",
    ),
    Code(
        """columns = [
    "outlet",
    "article_id",
    "revision",
    "published_at",
    "captured_at",
    "headline",
    "change_classes",
]
revisions = archive.frame("edited:yes", revisions=True, columns=columns)
revisions[["article_id", "revision", "captured_at", "headline", "change_classes"]]"""
    ),
    Text(
        ko="""## 그림

한 줄이 기사 하나, 점 하나가 판 하나입니다. 한글을 그릴 글꼴이 없으면 제목 대신 기사 번호와 영어를 씁니다.""",
        en="""## The drawing

A line is an article, a point is a revision. Without a font that has Hangul, the articles' ids stand for their
headlines.""",
    ),
    Code(
        """import matplotlib.pyplot as plt
from matplotlib import dates, font_manager

FONTS = ("Noto Sans CJK KR", "Noto Sans CJK JP", "Noto Sans KR", "NanumGothic")
FONTS += ("Apple SD Gothic Neo", "Malgun Gothic")
installed = {font.name for font in font_manager.fontManager.ttflist}
hangul = [name for name in FONTS if name in installed][:1]
if hangul:
    plt.rcParams["font.family"] = hangul
plt.rcParams["axes.unicode_minus"] = False


words = {
    "title": "$title",
    "hours": "$hours",
    "first": "$first",
    "headline": "$headline",
    "relabel": "$relabel",
}
if not hangul and not all(text.isascii() for text in words.values()):
    words = {kind: kind for kind in ("first", "headline", "relabel")}
    words |= {"title": "Headline changes", "hours": "hours to the first change"}


def named(headlines):
    return {name: text if hangul else name for name, text in headlines.items()}


def kind_of(classes):
    return next((kind for kind in ("headline", "relabel") if kind in classes), "first")


revisions["kind"] = revisions["change_classes"].map(kind_of)
articles = revisions.groupby("article_id", sort=False)"""
    ),
    Code(
        """figure, axes = plt.subplots(figsize=(11, 0.9 * len(articles) + 1.5), layout="constrained")
lines = {}
for line, (article_id, versions) in enumerate(articles):
    axes.plot(versions["captured_at"], [line] * len(versions), color="lightgray", zorder=1)
    lines[article_id] = line
looks = {"first": ("o", "tab:gray"), "headline": ("D", "tab:red"), "relabel": ("s", "tab:blue")}
for kind, (marker, color) in looks.items():
    some = revisions[revisions["kind"] == kind]
    heights = some["article_id"].map(lines)
    axes.scatter(some["captured_at"], heights, marker=marker, color=color, label=words[kind])
labels = named(articles["headline"].last())
axes.set_yticks(list(lines.values()), [labels[article_id] for article_id in lines])
axes.xaxis.set_major_locator(dates.DayLocator(tz=revisions["captured_at"].dt.tz))
axes.xaxis.set_major_formatter(dates.DateFormatter("%m-%d", tz=revisions["captured_at"].dt.tz))
axes.set_title(words["title"])
axes.legend(loc="lower left")
axes.grid(axis="x", alpha=0.3)
plt.show()"""
    ),
    Text(
        ko="""## 얼마나 빨리 바뀌나

게재 시각부터 제목이 처음 달라진 판을 받은 때까지입니다. 기사를 찾아간 때만 알 수 있으므로, 실제로는 더 일찍
바뀌었을 수 있습니다.""",
        en="""## How soon they change

From publication to the capture that first showed another headline. An archive knows only of the moments at which
it visited, so the change may have been earlier.""",
    ),
    Code(
        """changed = revisions[revisions["kind"] != "first"].groupby("article_id").first()
hours = (changed["captured_at"] - changed["published_at"]).dt.total_seconds() / 3600

figure, axes = plt.subplots(figsize=(11, 0.45 * len(hours) + 1.2), layout="constrained")
axes.barh(list(named(changed["headline"]).values()), hours)
axes.set_xlabel(words["hours"])
plt.show()
hours.describe().round(1)"""
    ),
    Text(
        ko="""## 한 기사의 이력

같은 것을 객체로도 볼 수 있습니다. 판마다 그 판을 읽은 갈무리(capture)가 있고, 받은 바이트가 WARC 파일에 그대로
있습니다.""",
        en="""## The history of one article

The same as objects: each revision was read from a capture, whose bytes lie in a WARC file as they were served.""",
    ),
    Code(
        """article = archive.article("etoday", "9000000203")
for version in article.revisions:
    classes = ", ".join(version.change.classes) if version.change else ""
    print(f"{version.captured_at:%m-%d %H:%M}", version.headline, f"[{classes}]")
    assert version.headline in version.capture.text"""
    ),
    Code(
        """archive.close()
place.cleanup()"""
    ),
)


def notebook(language: str) -> str:
    """Return the notebook in that language, as the text of its file."""
    cells = [_cell(cell, number, language) for number, cell in enumerate(CELLS, 1)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    values = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"


def _cell(cell: Text | Code, number: int, language: str) -> dict[str, object]:
    base: dict[str, object] = {"id": f"cell-{number}", "metadata": {}}
    if isinstance(cell, Text):
        text = getattr(cell, language)
        return {"cell_type": "markdown", **base, "source": text.splitlines(keepends=True)}
    source = Template(cell.source).substitute(WORDS[language]).splitlines(keepends=True)
    return {
        "cell_type": "code",
        "execution_count": None,
        **base,
        "outputs": [],
        "source": source,
    }


def path_of(language: str) -> Path:
    """Return the file of the notebook in that language."""
    return FOLDER / f"headlines.{language}.ipynb"


def main() -> None:
    """Write both notebooks."""
    for language in LANGUAGES:
        path_of(language).write_text(notebook(language), "utf-8")


if __name__ == "__main__":
    main()
