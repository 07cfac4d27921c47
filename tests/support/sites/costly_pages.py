"""Pages that cost without end to read, in every process that imports this as a module of outlets.

`OUTLET_MODULES` names it. A page with `MARK` is read with a pattern that needs longer than anybody
waits, as an outlet's rule might have one. `COSTLY_LIMIT` is the CPU seconds that a page may take,
`COSTLY_FIFO` a FIFO that is told each time that such a page is begun.
"""

from __future__ import annotations

import os
import re
import select
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.reindex import spans
from crawler.extraction import extract
from crawler.model.layout import TextForm
from crawler.model.outlet import Outlet
from pipelines import cpu_limit

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from pipelines.page import Page

MARK = "끝없이 읽히는 글"
_ENDLESS, _TEXT = re.compile("(?:가+)+나"), "가" * 60
_read = extract._read
#: Seconds after which a process hangs that should read.
_PATIENCE = 300

OUTLET = Outlet(
    name="costly",
    title="끝없는신문",
    hosts=("costly.example",),
    articles=(r"/article/(?P<id>\d+)",),
    canonical="https://costly.example/article/{id}",
    layouts=(),
    text=TextForm(recognise=("끝없는신문",), stamp=r"입력 \d{4}"),
)


def environment(limit: float, fifo: Path | None = None) -> dict[str, str]:
    """What makes a verb's processes read so."""
    told = {} if fifo is None else {"COSTLY_FIFO": str(fifo)}
    return {"OUTLET_MODULES": __name__, "COSTLY_LIMIT": str(limit)} | told


def wait_until_begun(fifo: Path) -> None:
    """Wait until a process has begun to read a page without end."""
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        assert waiting.poll(_PATIENCE * 1000), f"no page without end was begun within {_PATIENCE} s"
        assert os.read(descriptor, 100).startswith(b"begun\n")
    finally:
        os.close(descriptor)


def read_endlessly(page: Page, exchange: Exchange, outlet: Outlet, **how: Any) -> Page:
    """Read a page as ever, if it has no mark."""
    if MARK.encode() not in exchange.body:
        return _read(page, exchange, outlet, **how)
    if fifo := os.environ.get("COSTLY_FIFO"):
        Path(fifo).write_text("begun\n")
    assert not _ENDLESS.search(_TEXT)
    raise AssertionError("the pattern was searched to its end")


if limit := os.environ.get("COSTLY_LIMIT"):
    extract._read = read_endlessly
    cpu_limit.LIMIT = float(limit)
    spans.STEP = 4_000  # so that a reindex of a few pages is worth several processes
