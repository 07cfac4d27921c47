"""The payload of a capture: its record read and checked, a revisit's original found, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.articles.mementos import memento_of_record
from archive.captures.revisit_lookup import OriginalFinder
from archive.http.content_coding import decode_content, decode_served, split_codings
from archive.http.message import MessageError, parse_served_head, payload
from archive.model.exchange import MAX_DOCUMENT
from archive.segments.lookup import RecordError, read_at
from archive.warc.record_parser import original_of
from archive.warc.redirects import is_redirect, redirect_target
from crawler.extraction.charset import decode

if TYPE_CHECKING:
    from archive.articles.mementos import Memento
    from archive.http.message import Head
    from archive.index.database import Snapshot
    from archive.segments.store import StoreOrFolder
    from archive.warc.record_parser import Record

#: What a head that was not kept is read as.
_NO_HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class UnplayableError(Exception):
    """A capture cannot be shown; the text is a sentence or two for the reader."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What was served: ``coded`` is without transfer coding, with the codings that ``head`` names.

    ``holder`` is the capture whose record holds it: another than the one asked for, if that is a
    revisit. ``target`` is where a redirect leads, else ``""``.
    """

    holder: Memento
    head: Head
    has_head: bool
    content_type: str
    coded: bytes
    truncated: str
    target: str

    @property
    def status(self) -> int:
        """The status as it was served; 200 of a record without HTTP."""
        return self.head.status or 200

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def codings(self) -> list[str]:
        """The content codings that are still on it."""
        return split_codings([self.head.get("Content-Encoding")]) if self.has_head else []

    def decoded(self) -> bytes:
        """Return it without content codings.

        :raises UnplayableError: it is damaged, or too long.
        """
        try:
            return decode_content(self.head, self.coded, MAX_DOCUMENT)
        except MessageError as error:
            raise _not_decoded(error) from error

    def text(self) -> str:
        """Return it as text, in the charset that it was read with when it was stored.

        :raises UnplayableError: it is damaged, or too long.
        """
        try:
            data = decode_served(self.head, self.coded, MAX_DOCUMENT)
        except MessageError as error:
            raise _not_decoded(error) from error
        if self.holder.charset:
            try:
                return data.decode(self.holder.charset, "replace").removeprefix("\ufeff")
            except LookupError:  # of a later version of Sacho
                pass
        return decode(data, self.content_type)[0]


def read_payload(connection: Snapshot, archive: StoreOrFolder, memento: Memento) -> Payload:
    """Return the payload of a capture.

    :raises UnplayableError: it is missing or damaged, or nothing that can be shown.
    """
    record, holder = _read(archive, memento), memento
    if record.kind == "revisit":
        holder = _original(connection, archive, record)
        record = _read(archive, holder)
    exchange = record.exchange
    if exchange is None:
        raise UnplayableError(
            "The record holds no whole document: it is a part of one, or not HTTP."
        )
    try:
        head = parse_served_head(exchange.head or _NO_HEAD)
    except MessageError:
        head = parse_served_head(_NO_HEAD)
    target = redirect_target(exchange.head, exchange.url) if is_redirect(exchange.head) else ""
    return Payload(
        holder=holder,
        head=head,
        has_head=bool(exchange.head),
        content_type=head.get("Content-Type") if exchange.head else exchange.media_type,
        coded=payload(head, exchange.body),
        truncated=exchange.truncated,
        target=target,
    )


def _read(archive: StoreOrFolder, memento: Memento) -> Record:
    try:
        return read_at(archive, memento.location)
    except RecordError as error:
        raise UnplayableError(f"The record of this capture cannot be read. {error}") from error


def _original(connection: Snapshot, archive: StoreOrFolder, revisit: Record) -> Memento:
    """Return the capture that a revisit repeats."""
    named = original_of(revisit)
    if not named:
        found = OriginalFinder(archive).find(connection, revisit)
        named = found.revisit_of.record_id if found is not None else ""
    holder = memento_of_record(connection, named) if named else None
    if holder is None or holder.record_type == "revisit":
        raise UnplayableError(
            "This capture repeats an earlier one, which is not in the archive, and holds no page "
            "of its own."
        )
    return holder


def _not_decoded(error: MessageError) -> UnplayableError:
    return UnplayableError(f"The page does not decode as its head says: {error}.")
