"""Make inputs of the documents of a WARC, each with its request and its origin.

Orders found in practice: Browsertrix, pywb and warcio write response, then request; wget and Common
Crawl request, then response; Heritrix response, request, metadata. They differ too in which record
names the other in WARC-Concurrent-To, so both are checked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archive.http.message import HEAD_END
from archive.http.redact import redact
from archive.http.repair import repair_head
from archive.model.outcome import Outcome, Reason, Verdict, internal_error
from archive.warc.record_parser import Damage, Record, revisit_exchange
from archive.warc.record_writer import ORIGIN_FIELD, is_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.model.exchange import Exchange

#: Fields of a foreign `warcinfo` that are kept, in this order, and characters kept in all.
_INFO_FIELDS = ("software", "operator", "isPartOf", "hostname", "robots", "description")
_LONGEST_INFO = 1000
#: Descriptions remembered per file.
_MAX_INFOS = 100
#: Requests that wait for their response, and bytes of the longest one.
_MAX_REQUESTS = 8
_LONGEST_REQUEST = 2**16
#: Methods whose answers say nothing of the page at the address, not even that it is gone.
_NO_PAGE = frozenset({b"HEAD", b"OPTIONS", b"POST", b"PUT", b"PATCH", b"DELETE", b"TRACE"})
_OUR_SOFTWARE = "Sacho/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One document to replay: an exchange, or a verdict that says why there is none.

    ``source`` names the file, and the record in it. ``outlet`` is the name that the page's sidecar
    states, or ``""``. ``origin`` describes an imported WARC. ``revisit`` is the record if the
    exchange repeats the payload of another.
    """

    source: str
    exchange: Exchange | None = None
    verdict: Verdict | None = None
    outlet: str = ""
    origin: str = ""
    revisit: Record | None = None


@dataclass(frozen=True, slots=True)
class _Info:
    """The origin of the records that a `warcinfo` describes, and whether we wrote them."""

    origin: str
    is_ours: bool = False


def documents(records: Iterator[Record | Damage], source: str, origin: str) -> Iterator[Input]:
    """Yield the documents and revisits of one WARC, and each damaged place as a failed input.

    ``source`` names the file for people, ``origin`` describes where it is from. A `request` record
    is joined to the record that it asked for; a `warcinfo` record adds to the origin. Other records
    are ignored.
    """
    reader = _Reader(source, origin)
    for record in records:
        try:
            inputs = [*reader.add(record)]
        except Exception as error:  # noqa: BLE001  (a bug at one record: reported, the run fails)
            inputs = [Input(source=f"{source}@{record.offset}", verdict=internal_error(error))]
        yield from inputs
    yield from reader.flush()


class _Reader:
    """One pass over a WARC; a document is held back, as the next record may be its request."""

    def __init__(self, source: str, origin: str) -> None:
        self._source, self._origin = source, origin
        self._infos: dict[str, _Info] = {}
        self._last_info = _Info(origin)
        self._requests: list[Record] = []
        self._held: tuple[Record, Input] | None = None

    def add(self, record: Record | Damage) -> Iterator[Input]:
        """Take the next record; yield the input that is complete now, if there is one."""
        if isinstance(record, Damage):
            yield from self.flush()
            verdict = Verdict(Outcome.FAILED, record.reason, record.sentence)
            yield Input(source=f"{self._source}@{record.offset}", verdict=verdict)
        elif record.kind == "request":
            self._add_request(record)
        elif record.kind != "metadata":
            yield from self.flush()
            self._add_record(record)

    def flush(self) -> Iterator[Input]:
        """Yield the input that is held back."""
        if self._held is not None:
            (_, held), self._held = self._held, None
            yield _of_page(held)

    def _add_record(self, record: Record) -> None:
        if record.kind == "warcinfo":
            self._add_info(record)
        elif record.exchange is not None or record.kind == "revisit":
            self._held = (record, self._input(record))

    def _input(self, record: Record) -> Input:
        source = f"{self._source}@{record.offset}"
        info = self._infos.get(record.fields["warc-warcinfo-id"], self._last_info)
        exchange = record.exchange or replace(revisit_exchange(record), media_type="")
        if not exchange.url.startswith(("http://", "https://", "urn:sha256:")):
            # The tool's own records: wget's log, Browsertrix's screenshots and texts, DNS answers.
            return Input(source=source, verdict=Verdict(Outcome.SKIPPED, Reason.NOT_A_PAGE))
        head = exchange.head
        if head and record.kind == "response" and not info.is_ours:
            head = repair_head(head, exchange.body)
        first_id = record.fields[ORIGIN_FIELD.lower()] or record.record_id
        exchange = replace(
            exchange,
            origin_id=first_id if is_uri(first_id) else "",
            head=head,
            request=self._take_request(record) or exchange.request,
        )
        revisit = record if record.kind == "revisit" else None
        return Input(source=source, exchange=exchange, origin=info.origin, revisit=revisit)

    def _take_request(self, record: Record) -> bytes:
        """Return the waiting request that the record answers, redacted; ``b""`` if none does."""
        for request in self._requests:
            if _belong_together(record, request):
                self._requests.remove(request)
                return redact(request.block)
        return b""

    def _add_request(self, request: Record) -> None:
        """Join a request to the document held back, or keep it for its response."""
        if len(request.block) > _LONGEST_REQUEST or not HEAD_END.search(request.block):
            return  # no request of ours is written without a head, and verify would find it
        if self._held is not None:
            record, held = self._held
            exchange = held.exchange
            if exchange and not exchange.request and _belong_together(record, request):
                exchange = replace(exchange, request=redact(request.block))
                self._held = (record, replace(held, exchange=exchange))
                return
        self._requests = [*self._requests[1 - _MAX_REQUESTS :], request]

    def _add_info(self, record: Record) -> None:
        """Remember what a `warcinfo` says of the records that name it, or that follow it."""
        fields = _info_fields(record.block)
        known = [name for name in _INFO_FIELDS if fields.get(name.lower())]
        stated = [f"{name}: {fields[name.lower()]}" for name in known]
        file_name = record.fields["warc-filename"]
        if file_name in self._origin:
            file_name = ""
        parts = (self._origin, file_name, record.record_id, *stated)
        origin = "; ".join(part for part in parts if part)[:_LONGEST_INFO]
        is_ours = fields.get("software", "").startswith(_OUR_SOFTWARE)
        if len(self._infos) >= _MAX_INFOS:
            self._last_info = _Info(self._origin, is_ours)
            return
        self._last_info = _Info(origin, is_ours)
        if record.record_id:
            self._infos[record.record_id] = self._last_info


def _of_page(held: Input) -> Input:
    """Return the input, or why it is none: it answers a request that did not ask for a page."""
    request = held.exchange.request if held.exchange is not None else b""
    method = request.partition(b" ")[0]
    if method not in _NO_PAGE:
        return held
    detail = f"the answer to a request of method {method.decode('latin-1')}"
    verdict = Verdict(Outcome.SKIPPED, Reason.NOT_A_PAGE, detail)
    return Input(source=held.source, verdict=verdict)


def _info_fields(block: bytes) -> dict[str, str]:
    """Return a `warcinfo`'s fields: names in lower case, the first value of repeated ones."""
    fields: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), " ".join(value.split()))
    return fields


def _belong_together(answer: Record, request: Record) -> bool:
    """Whether the records are one exchange: one names the other, or neither names any record."""
    named_by_request = request.fields["warc-concurrent-to"]
    named_by_answer = answer.fields["warc-concurrent-to"]
    if not named_by_request and not named_by_answer:
        return all(
            answer.fields[name] == request.fields[name] for name in ("warc-target-uri", "warc-date")
        )
    if answer.record_id and named_by_request == answer.record_id:
        return True
    return bool(request.record_id) and named_by_answer == request.record_id
