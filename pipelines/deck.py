"""Find a deck that is printed between the stamps and the dateline, in no known element."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.bylines import read_dateline, read_line
from pipelines.text import clean_lines
from pipelines.times import ends_with_stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.widget_rules import Widgets

_SHORTEST, _LONGEST = 6, 80
_MOST_LINES = 3
#: How many blocks may stand before the dateline: the deck, and what a rule will remove.
_NEAR = 8
_SENTENCE_END = re.compile(r"[다요까]\.?[\"”'’)]?$|[.?!][\"”'’)]?$")
_HANGUL = re.compile("[가-힣]")
#: Words of buttons that stand where the deck does.
_BUTTONS = re.compile(
    "공유|글자|스크랩|인쇄|프린트|구독|댓글|북마크|기사듣기|음성|페이스북|트위터|카카오|카톡|URL|링크|복사"
    "|닫기|열기|더보기|더 보기|로그인|바로가기|목록|이메일|저작권|무단|크게|작게|AI"
)


def find_deck(
    header: str, blocks: Sequence[str], widgets: Widgets
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the lines of the deck, and the blocks without them.

    ``header`` is the text between headline and body, a line an element. There the deck is what
    follows the stamps; in the body it is what precedes the dateline. It is one to three headings:
    if anything else is there, nothing tells which lines are the deck, and it is empty.
    """
    between = _after_stamps(header, widgets)
    if is_deck(between):
        return tuple(between), tuple(blocks)
    at = _dateline_at(blocks)
    before = [block for block in blocks[:at] if not widgets.is_noise(block)]
    if not is_deck(before):
        return (), tuple(blocks)
    rest = [block for block in blocks[:at] if block not in before]
    return tuple(before), (*rest, *blocks[at:])


def is_deck(lines: Sequence[str]) -> bool:
    """Whether these lines are one to three headings."""
    return 1 <= len(lines) <= _MOST_LINES and all(map(_is_heading, lines))


def _is_heading(line: str) -> bool:
    return (
        _SHORTEST <= len(line) <= _LONGEST
        and len(_HANGUL.findall(line)) * 3 >= len(line)
        and not _SENTENCE_END.search(line)
        and not _BUTTONS.search(line)
    )


def _after_stamps(header: str, widgets: Widgets) -> list[str]:
    """Return the lines behind the last stamp of a header block, without widgets and bylines."""
    behind: list[str] = []
    for line in reversed(clean_lines(header)):
        if ends_with_stamp(line):
            return behind[::-1]
        if not widgets.is_noise(line) and read_line(line) is None:
            behind.append(line)
    return []


def _dateline_at(blocks: Sequence[str]) -> int:
    """Return which of the first blocks starts with a dateline; 0 if none does."""
    return next((i for i, block in enumerate(blocks[:_NEAR]) if read_dateline(block)), 0)
