"""What tests share to read documents without the engine: fixtures, made exchanges, and an article as plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.exchange import Exchange, content_urn
from crawler.extraction.reading import read_exchange
from crawler.extraction.recognise import outlet_for
from crawler.offline.files import PAGE_ENDINGS, read_file
from crawler.outlets import known_outlets, outlet_named

if TYPE_CHECKING:
    from archive.model.article import Article
    from pipelines.page import Page

SEEDS = Path(__file__).parents[2] / "seeds"
#: The outlets of which `tests.support.mock_site` makes sites.
MADE_SITES = ("etoday", "newspim")
#: The names of all outlets, as sentences list them.
KNOWN = ", ".join(known_outlets())
#: The documents of those, for a verb: what else lies in the folder grows with the outlets.
MADE = (*sorted(SEEDS.glob("*.txt")), *(SEEDS / name for name in MADE_SITES))
NOON = datetime(2024, 5, 7, 3, 0, tzinfo=UTC)


def fixtures() -> list[Path]:
    """All seed documents, in a fixed order."""
    return sorted(path for path in SEEDS.rglob("*") if path.suffix in PAGE_ENDINGS)


def made_fixtures() -> list[Path]:
    """The documents of the outlets that a site is made up of here, with one story in every form."""
    return [path for path in fixtures() if path.parent == SEEDS or path.parent.name in MADE_SITES]


def name_of(path: Path) -> str:
    """A fixture's name under ``seeds/``, for test ids."""
    return path.relative_to(SEEDS).as_posix()


def read_fixture(path: Path) -> Page:
    """Read a saved document as `replay` does, up to the deposit."""
    (given,) = read_file(path)
    assert given.exchange is not None, given.verdict
    outlet = outlet_for(given.exchange)
    assert outlet is not None, f"{path}: no outlet is recognised"
    return read_exchange(given.exchange, outlet, given.source)


def read_article(path: Path) -> Article:
    """Return the article of a saved document."""
    page = read_fixture(path)
    assert page.article is not None, page.verdict
    return page.article


def read_bytes(
    outlet: str,
    body: bytes | str,
    *,
    url: str = "",
    media_type: str = "text/html",
    at: datetime = NOON,
) -> Page:
    """Read bytes as a document of the outlet, saved without a head."""
    data = body.encode() if isinstance(body, str) else body
    exchange = Exchange(
        url=url or content_urn(data),
        captured_at=at,
        body=data,
        media_type=media_type,
        time_known=bool(url),
    )
    return read_exchange(exchange, outlet_named(outlet), "made")
