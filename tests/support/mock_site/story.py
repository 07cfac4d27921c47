"""What an article says, apart from how an outlet's page says it; and the articles of the two seeds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

KST = timezone(timedelta(hours=9), "KST")
SEEDS = Path(__file__).parents[3] / "seeds"
ETODAY_SEED_TEXT = SEEDS / "000_3e66ff564048943b.txt"
NEWSPIM_SEED_TEXT = SEEDS / "004_e87c195a7c7407d1.txt"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture; ``caption`` is the line as printed, ``after`` how many paragraphs stand before it."""

    url: str
    caption: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """One article. ``paragraphs`` are without the byline that Newspim prints before the first one.

    Empty means that the article has none. Where a layout's place for a field is unknown (OUTLETS),
    the page written in that layout does not show it.
    """

    article_id: str
    headline: str
    paragraphs: tuple[str, ...]
    published: datetime
    modified: datetime | None = None
    deck: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    reporter: str = ""
    role: str = ""
    email: str = ""
    place: str = ""
    section: str = ""
    tags: tuple[str, ...] = ()


def etoday_seed() -> Story:
    """Read the Etoday seed's article out of its text; the picture's address and the id are made up."""
    lines = ETODAY_SEED_TEXT.read_text("utf-8").split("\n")
    deck_at = lines.index("  • 가장크게") + 2
    caption_at = next(n for n, line in enumerate(lines) if line.startswith("▲"))
    end = lines.index("  • 좋아요0")
    return Story(
        article_id="9000000001",
        headline=lines[0],
        deck=tuple(line for line in lines[deck_at:caption_at] if line),
        paragraphs=tuple(line for line in lines[caption_at + 2 : end] if line),
        images=(
            Image(
                "https://img.etoday.co.kr/pto_db/2023/09/fixture-9000000001.jpg", lines[caption_at]
            ),
        ),
        published=datetime(2023, 9, 5, 14, 41, tzinfo=KST),
        modified=datetime(2023, 9, 11, 17, 57, tzinfo=KST),
    )


def newspim_seed() -> Story:
    """Read the Newspim seed's article, no-break spaces too; the picture's address and the id are made up."""
    byline = "[휴스턴=뉴스핌] 고인원 특파원= "
    lines = NEWSPIM_SEED_TEXT.read_text("utf-8").split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith(byline))
    end = lines.index("koinwon@newspim.com")
    body = [line for line in lines[start:end] if line.strip()]
    caption_at = next(n for n, line in enumerate(body) if line.startswith("[아무르 로이터=뉴스핌]"))
    body[0] = body[0].removeprefix(byline)
    return Story(
        article_id="20230915999901",
        headline=lines[lines.index("더보기") + 2],
        paragraphs=(*body[:caption_at], *body[caption_at + 1 :]),
        images=(
            Image(
                "https://img.newspim.com/news/2023/09/14/fixture-20230915999901.jpg",
                body[caption_at],
                after=caption_at,
            ),
        ),
        published=datetime(2023, 9, 15, 23, 47, tzinfo=KST),
        modified=datetime(2023, 9, 15, 23, 47, tzinfo=KST),
        reporter="고인원",
        role="특파원",
        email="koinwon@newspim.com",
        place="휴스턴",
        section="글로벌 러시아",
    )
