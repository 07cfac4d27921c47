"""What is fuzzed, and what must hold of it: a check takes bytes and raises if anything is wrong.

A check lets pass only the errors that the documentation of what it calls names.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import shutil
import tempfile
import unicodedata
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.robotstxt import ProtegoRobotParser

from archive.articles.queries import search
from archive.http import message as http
from archive.http.content_coding import decode_content
from archive.http.redact import redact
from archive.http.repair import repair_head
from archive.index.database import Index
from archive.index.search.query import QueryError, parse_query
from archive.model.article import Quality
from archive.model.times import check_range
from archive.verify.warc_file.file import FileCheck
from archive.warc.reader import Damage
from archive.warc.wacz import cdxj
from archive.warc.wacz.reader import PackageError, open_wacz
from archive.warc.warcio_reader import iterate_arc_file, iterate_with_fallback
from crawler.authoring.goldens import values_of
from crawler.discovery.entries import SourceError
from crawler.discovery.feeds import read_feed
from crawler.discovery.list_pages import read_list_page
from crawler.discovery.timestamps import parse_timestamp
from crawler.extraction.judge import read_capture
from crawler.extraction.reading import read_exchange
from crawler.httpclient.errors import HeadTooLargeError
from crawler.httpclient.response_parser import ResponseReader
from crawler.jobs.config import JobsFileError, parse_jobs
from crawler.middlewares.robots_groups import UnreadableError, own_groups
from crawler.model.channels import ListPage
from crawler.model.text import as_text
from crawler.outlets import known_outlets, outlet_named
from pipelines.bylines import find_byline, printed_emails, read_dateline, read_line, read_people
from pipelines.times import TimeError, ends_with_stamp, labelled_stamps, read_time
from tests.support.documents import MADE
from tests.support.fuzzing.samples import MOMENT, seeds
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from archive.model.article import Article
    from crawler.discovery.entries import FeedEntry
    from crawler.model.outlet import Outlet
    from pipelines.page import Page

_URL = "https://www.newspim.com/news/lists"
_LISTS = tuple(
    source
    for outlet in known_outlets().values()
    for channel in outlet.channels
    for source in channel.sources
    if isinstance(source, ListPage)
)


def check_heads(data: bytes) -> None:
    """Read a response as the wire does, at once and byte by byte; repair and redact it."""
    begin = data[: 2**12]
    whole, torn = _served(begin, 2**12), _served(begin, 1)
    assert whole == torn, "a response reads differently in small pieces"
    redacted = redact(data)
    assert redact(redacted) == redacted, "redacting twice is not redacting once"
    try:
        head, body = http.split_message(data)
        fields = http.parse_head(head)
    except http.MessageError:
        return
    http.describe_status(fields)
    waiting = http.retry_after(fields.get("Retry-After"), MOMENT)
    assert waiting is None or 0 <= waiting < float("inf"), "Retry-After is no time to wait"
    http.retry_at(fields, MOMENT)
    with suppress(http.MessageError):
        decode_content(fields, http.payload(fields, body), 2**22)
    repaired = repair_head(head, body)
    assert repair_head(repaired, body) == repaired, "repairing twice is not repairing once"


def _served(data: bytes, size: int) -> object:
    """Return what the wire makes of bytes that come in pieces of a size, as values to compare."""
    reader = ResponseReader("GET")
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    try:
        for at, piece in enumerate(pieces):
            rest = reader.feed_head(piece)
            if rest is None:
                continue
            for more in (rest, *pieces[at + 1 :]):
                if more and not reader.body.complete:
                    reader.body.feed(more)
            break
    except (http.MessageError, HeadTooLargeError) as error:
        return type(error).__name__
    if reader.head is None:
        return reader.silent
    reader.keeps_alive()
    return reader.raw_head, reader.body.complete, reader.body.as_served(), reader.body.payload()


def check_warc(data: bytes) -> None:
    """Read a file as an import does, verify it strictly, and read the captures that it holds."""
    for item in islice(iterate_with_fallback(io.BytesIO(data), 2**22), 1000):
        if not isinstance(item, Damage) and (item.exchange or item.kind == "revisit"):
            read_capture(item, "made")
    for _ in islice(iterate_arc_file(io.BytesIO(data), 2**22), 1000):
        pass
    path = _file("made.warc", data)
    for _ in FileCheck(path, "made.warc").run():
        pass


def check_wacz(data: bytes) -> None:
    """Read the files of a package."""
    path = _file("made.wacz", data)
    try:
        with open_wacz(path) as package:
            package.about()
            package.nested()
            for _, file in islice(package.warcs(), 50):
                if not isinstance(file, PackageError):
                    for _ in islice(iterate_with_fallback(file, 2**22), 1000):
                        pass
    except PackageError:
        pass


def check_pages(data: bytes) -> None:
    """Read a page whose first byte says which seed it stands for."""
    _check_document(data, html=True)


def check_texts(data: bytes) -> None:
    """Read a text rendering whose first byte says which seed it stands for."""
    _check_document(data, html=False)


def _check_document(data: bytes, *, html: bool) -> None:
    known = seeds(html=html)
    seed = known[data[0] % len(known)] if data else known[0]
    outlet = outlet_named(seed.outlet)
    page = read_exchange(replace(seed.exchange, body=data[1:]), outlet, "made")
    is_generic = page.article is not None and page.article.quality is Quality.GENERIC
    is_decided = (page.article is None) is (page.verdict is not None)
    assert is_decided or is_generic, "neither article nor verdict"
    assert not is_generic or page.verdict is not None, "generic, and passed off as read"
    if page.article is not None:
        check_article(page, page.article, outlet)


def check_article(page: Page, article: Article, outlet: Outlet) -> None:
    """Raise AssertionError if an article that would be stored has what no article may have."""
    values = values_of(article)
    text = json.dumps(values, ensure_ascii=False)
    text.encode()  # a lone surrogate can't be stored
    controls = {c for c in _strings(values) if unicodedata.category(c) == "Cc" and c != "\n"}
    assert not controls, f"control characters are kept: {sorted(map(ord, controls))}"
    assert article.headline.strip() == article.headline != "", "the headline is empty or padded"
    assert all(block.strip() == block != "" for block in article.body), "a block is empty or padded"
    for moment in (article.published_at, article.modified_at):
        if moment is not None:
            check_range(moment, page.exchange.captured_at)
    noise = [block for block in article.body if outlet.rules.widgets.line_rule(block)]
    assert not noise, f"widget lines in the body: {noise[:3]}"
    size = len(page.exchange.body)
    assert len(article.text) <= 3 * size + 100, "the body is longer than its page"


def _strings(value: object) -> str:
    """Return all text of a record in one string."""
    if isinstance(value, dict):
        return "\n".join(map(_strings, value.values()))
    if isinstance(value, list | tuple):
        return "\n".join(map(_strings, value))
    return value if isinstance(value, str) else ""


def check_times(data: bytes) -> None:
    """Read a printed time."""
    text = data.decode("utf-8", "replace")
    stamps = labelled_stamps(text)
    labelled_stamps(text, labels_only=True)
    ends_with_stamp(text)
    for one in (text, stamps.published, stamps.modified):
        try:
            reading = read_time(one, MOMENT)
        except TimeError:
            continue
        check_range(reading.moment, MOMENT)
        assert reading.moment.utcoffset() is not None, "a time without a zone"
    found = parse_timestamp(text, MOMENT)
    if found is not None:
        check_range(found, MOMENT)


def check_bylines(data: bytes) -> None:
    """Read printed bylines."""
    text = data.decode("utf-8", "replace")
    lines = text.splitlines()
    authors = [*read_people(text), *find_byline(lines).authors]
    for line in lines:
        for byline in (read_dateline(line), read_line(line)):
            authors += byline.authors if byline else ()
    for email in printed_emails(lines):
        assert "@" in email, f"{email!r} is no address"
    for author in authors:
        assert author.name.strip() == author.name, f"{author} is padded"
        assert author.name or author.email, f"{author} is nobody"


def check_feeds(data: bytes) -> None:
    """Read a feed or a sitemap."""
    try:
        document = read_feed(data, "application/xml", _URL, MOMENT)
    except SourceError as error:
        entries = error.partial
    else:
        entries = (*document.entries, *document.sitemaps)
    _check_entries(entries)


def check_lists(data: bytes) -> None:
    """Read a page of each outlet's lists."""
    for form in _LISTS:
        try:
            entries = read_list_page(data, "text/html", _URL, form, MOMENT)
        except SourceError as error:
            entries = error.partial
        _check_entries(entries)


def _check_entries(entries: tuple[FeedEntry, ...]) -> None:
    for entry in entries:
        for moment in (entry.published_at, entry.modified_at):
            if moment is not None:
                check_range(moment, MOMENT)
        assert entry.url.startswith(("http://", "https://")), f"{entry.url!r} is no web address"
        for outlet in known_outlets().values():
            outlet.identify(entry.url)


def check_robots(data: bytes) -> None:
    """Ask a robots.txt."""
    try:
        groups, _ = own_groups(data, "Sacho")
    except UnreadableError:
        return
    parser = ProtegoRobotParser(groups, None)
    for url in (
        _URL,
        "https://www.newspim.com/admin/news?q=1",
        "https://www.newspim.com/%ED%95%9C",
    ):
        assert parser.allowed(url, "Sacho") in (True, False)
    delay = parser.crawl_delay("Sacho")
    assert delay is None or isinstance(delay, float)


def check_jobs(data: bytes) -> None:
    """Read a jobs file."""
    with suppress(JobsFileError):
        parse_jobs(data.decode("utf-8", "replace"))


def check_queries(data: bytes) -> None:
    """Search as the command line does, by an argument of any bytes."""
    text = as_text(data.decode("utf-8", "surrogateescape"))
    try:
        query = parse_query(text)
    except QueryError:
        return
    with _library().reading() as connection:
        found, _ = search(connection, query, 5)
    assert len(found) <= 5
    for stored in found:
        day = stored.article.published_at
        assert query.outlet in ("", stored.article.outlet)
        assert query.since is None or (day is not None and day.date() >= query.since)
        assert query.until is None or (day is not None and day.date() <= query.until)


def check_cdxj(data: bytes) -> None:
    """Write a capture's line for an address and a media type."""
    url, _, media_type = data.decode("utf-8", "surrogateescape").partition(" ")
    line = cdxj.line(
        url=url,
        moment=cdxj.timestamp(MOMENT),
        kind="response",
        media_type=media_type,
        status=200,
        digest="sha256:00",
        file="a.warc.gz",
        offset=0,
        length=1,
    )
    assert line.isascii(), "the line is not ASCII"
    assert line.isprintable(), "the line holds controls"
    _, moment, values = line.split(" ", 2)
    assert moment == cdxj.timestamp(MOMENT), "the key holds a blank"
    assert json.loads(values).get("url", "") == url


@cache
def _folder() -> Path:
    """A folder of this process, in memory where there is such a place."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(dir=place)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


@cache
def _library() -> Index:
    """An index of the seeds."""
    workspace = Workspace(_folder())
    result = workspace.run("replay", *MADE)
    assert result.code == 0, result.err
    return Index(workspace.index_url)


#: The targets by name: what is called with bytes.
TARGETS: dict[str, Callable[[bytes], None]] = {
    "heads": check_heads,
    "warc": check_warc,
    "gzip": check_warc,
    "wacz": check_wacz,
    "pages": check_pages,
    "texts": check_texts,
    "times": check_times,
    "bylines": check_bylines,
    "feeds": check_feeds,
    "lists": check_lists,
    "robots": check_robots,
    "jobs": check_jobs,
    "queries": check_queries,
    "cdxj": check_cdxj,
}
