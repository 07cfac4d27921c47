"""An archive with chosen captures, and playback of it served on loopback."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import Index
from archive.model.exchange import Exchange
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from crawler.web.playback.app import playback_app
from crawler.web.playback.site import PlaybackSite
from pipelines.deposit import CaptureStore
from tests.support.readers.playback import head
from tests.support.sites.web_servers import served_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from crawler.web.security import Access
    from tests.support.processes.cli import Workspace

#: The origin of a reading room that nobody serves.
ROOM = "http://127.0.0.1:9"


def capture(
    url: str,
    body: bytes | str,
    media_type: str = "text/html; charset=utf-8",
    *fields: str,
    at: datetime = datetime(2024, 5, 7, 1, 0, tzinfo=UTC),
    status: str = "200 OK",
    time_known: bool = True,
) -> Exchange:
    """Return what a server answered at an address."""
    data = body.encode() if isinstance(body, str) else body
    stated = (f"Content-Type: {media_type}",) if media_type else ()
    return Exchange(
        url=url,
        captured_at=at,
        head=head(*stated, f"Content-Length: {len(data)}", *fields, status=status),
        body=data,
        request=b"GET / HTTP/1.1\r\nHost: x.kr\r\n\r\n",
        time_known=time_known,
    )


def keep(workspace: Workspace, exchanges: Iterable[Exchange], outlet: str = "etoday") -> None:
    """Keep exchanges as a crawl does."""
    with (
        Index(workspace.index_url) as index,
        SegmentWriter(workspace.archive, job="playback", host="t") as segments,
    ):
        store = CaptureStore(segments, index, RunRecorder("playback"), lambda _: None)
        for exchange in exchanges:
            store.add_page(read_exchange(exchange, outlet_named(outlet), "made"))
        store.close()


@contextmanager
def playback(
    workspace: Workspace,
    player: Path | None = None,
    room: str = ROOM,
    access: Access | None = None,
) -> Iterator[str]:
    """Serve playback of an archive; yield its address."""
    with (
        Index(workspace.index_url, read_only=True) as index,
        served_at(
            lambda url: playback_app(
                PlaybackSite(index, workspace.archive, url, room, player), access
            )
        ) as url,
    ):
        yield url
