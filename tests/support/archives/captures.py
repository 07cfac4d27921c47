"""Archives and WARCs made in-process, for tests of what is kept and under which name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from archive.articles.queries import each_row, find_article
from archive.index.database import Index
from archive.model.exchange import Exchange, content_urn
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from tests.support.databases.postgres import url_of
from tests.support.documents import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from archive.articles.queries import StoredArticle
    from archive.runs.recorder import Result
    from pipelines.page import Page

SOFTWARE = {"software": "Sacho tests"}


def exchange(
    url: str, body: bytes, at: datetime | None = NOON, media_type: str = "text/html"
) -> Exchange:
    """A saved document; without an address it is named by its bytes, without a time it is taken in at noon."""
    return Exchange(
        url=url or content_urn(body),
        captured_at=at or NOON,
        body=body,
        media_type=media_type,
        time_known=at is not None,
    )


def warc_of(path: Path, *pages: tuple[str, bytes]) -> Path:
    """A WARC file that holds these addresses' pages."""
    folder = path.parent / f".{path.name}.made"
    with SegmentWriter(folder, software=SOFTWARE, job="made", host="made") as segments:
        for url, body in pages:
            segments.write(exchange(url, body))
    (segment,) = folder.glob("*.warc.gz")
    segment.rename(path)
    return path


class Keeper:
    """An archive with its index in a folder; each `keep` is one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = url_of(folder / "index.sqlite3")

    def keep(self, *pages: Page) -> list[Result]:
        """Deposit read pages in one run; give what became of them."""
        results: list[Result] = []
        with (
            self.index() as index,
            SegmentWriter(self.folder / "archive", software=SOFTWARE, job="t", host="t") as s,
        ):
            store = CaptureStore(s, index, RunRecorder("test"), results.append)
            for page in pages:
                store.add_page(page)
            store.close()
        return results

    def read(self, outlet: str, *exchanges: Exchange) -> list[str]:
        """Read and deposit in one run; give the outcomes."""
        return [
            str(r.verdict)
            for r in self.keep(*(read_exchange(e, outlet_named(outlet), "made") for e in exchanges))
        ]

    @contextmanager
    def index(self) -> Iterator[Index]:
        """The index, open."""
        with Index(self.url) as index:
            yield index

    def articles(self) -> list[StoredArticle]:
        """Current revisions of all articles."""
        with self.index() as index, index.reading() as connection:
            return every_article(connection)

    def revisions(self, outlet: str, article_id: str) -> list[StoredArticle]:
        """All revisions of one article, in the order of capture."""
        with self.index() as index, index.reading() as connection:
            return find_article(connection, outlet, article_id)


def every_article(connection: Connection) -> list[StoredArticle]:
    """The current revisions of all articles."""
    names = [(row["outlet"], row["article_id"]) for row, _ in each_row(connection)]
    return [find_article(connection, *name)[-1] for name in names]
