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
from archive.warc.record_header import without_brackets
from archive.warc.record_parser import Damage, Record, revisit_exchange
from archive.warc.record_writer import ORIGIN_FIELD, is_uri
from crawler.offline.record_tally import Fate, RecordTally
from crawler.offline.segment_join import SegmentJoiner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.model.exchange import Exchange

#: Fields of a foreign `warcinfo` that are kept, in this order, and characters kept in all.
_INFO_FIELDS = ("software", "operator", "isPartOf", "hostname", "robots", "description")
_LONGEST_INFO = 1000
#: Descriptions remembered per file.
_MAX_INFOS = 100
#: Requests that wait for their response, responses that wait for their request, and bytes of each.
_MAX_REQUESTS = 64
_MAX_HELD = 16
_HELD_BYTES = 2**24
#: What becomes of records that hold no document.
_FATES = {
    "metadata": Fate.ABOUT,
    "conversion": Fate.DERIVED,
    "continuation": Fate.ALONE,
}
#: The one method whose answer says something of the page at the address, or that it is gone.
_PAGE_METHOD = b"GET"
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


def documents(
    records: Iterator[Record | Damage], source: str, origin: str, tally: RecordTally | None = None
) -> Iterator[Input]:
    """Yield the documents and revisits of one WARC, and each damaged place as a failed input.

    ``source`` names the file for people, ``origin`` describes where it is from. A `request` record
    is joined to the record that it asked for; a `warcinfo` record adds to the origin; segments are
    joined. What becomes of each record is added to ``tally``. A file without any document is one
    skipped input.
    """
    reader = _Reader(source, origin)
    is_empty = True
    for record in records:
        try:
            inputs = [*reader.add(record)]
        except Exception as error:  # noqa: BLE001  (a bug at one record: reported, the run fails)
            inputs = [Input(source=f"{source}@{record.offset}", verdict=internal_error(error))]
        is_empty = is_empty and not inputs
        del record  # a document may have 20 MB: none is kept while the next one is read
        while inputs:
            yield inputs.pop(0)
    for last in reader.finish():
        is_empty = False
        yield last
    if tally is not None:
        tally.update(reader.tally)
    if is_empty:
        nature = _nature(reader.tally)
        detail = f"{nature}: {'; '.join(reader.tally.lines()) or 'it has no record'}"
        if tally is not None:
            tally.add_empty(f"{source}: {nature}")
        yield Input(source=source, verdict=Verdict(Outcome.SKIPPED, Reason.NOT_A_PAGE, detail))


def _nature(tally: RecordTally) -> str:
    """Return what a file without any document is, as far as its records say so."""
    kinds = tally.kinds()
    of_which = "replay the WARC file that they were made of"
    if kinds == {"conversion"}:
        return f"it holds texts of pages (WET), not the pages; {of_which}"
    if kinds == {"metadata"}:
        return f"it holds metadata of pages (WAT), not the pages; {of_which}"
    return "no page is in it"


class _Reader:
    """One pass over a WARC; documents are held back, as one of the next may be their request."""

    def __init__(self, source: str, origin: str) -> None:
        self._source, self._origin = source, origin
        self._infos: dict[str, _Info] = {}
        self._last_info = _Info(origin)
        self._requests: list[Record] = []
        self._held: list[tuple[Record, Input]] = []
        self._held_bytes = 0
        self._segments = SegmentJoiner()
        self.tally = RecordTally()

    def add(self, record: Record | Damage) -> Iterator[Input]:
        """Take the next record; yield the inputs that are complete now."""
        if isinstance(record, Record) and "warc-segment-number" in record.fields:
            yield from self._add_segment(record)
        elif isinstance(record, Damage):
            yield from self._damage(record)
        elif record.kind == "request":
            self._add_request(record)
        elif record.exchange is not None or record.kind == "revisit":
            self.tally.add(record.kind, Fate.TAKEN)
            held = self._input(record)
            self._held.append((record, held))
            self._held_bytes += _body_size(held)
            yield from self._release(_MAX_HELD, _HELD_BYTES)
        else:
            self._pass_over(record)

    def finish(self) -> Iterator[Input]:
        """Yield what is held back at the end of the file."""
        yield from self._release(0, 0)
        for damage in self._segments.flush():
            yield from self._damage(damage)
        self.tally.add("request", Fate.ALONE, len(self._requests))

    def _release(self, number: int, size: int) -> Iterator[Input]:
        """Yield the first of what is held back until so much is left, and what has its request."""
        while self._held:
            _, held = self._held[0]
            is_complete = held.exchange is None or bool(held.exchange.request)
            if not is_complete and len(self._held) <= number and self._held_bytes <= size:
                return
            self._held_bytes -= _body_size(held)
            del self._held[0]
            yield _of_page(held)

    def _damage(self, damage: Damage) -> Iterator[Input]:
        self.tally.add("unread", Fate.DAMAGED)
        yield from self._release(0, 0)
        verdict = Verdict(Outcome.FAILED, damage.reason, damage.sentence)
        yield Input(source=f"{self._source}@{damage.offset}", verdict=verdict)

    def _add_segment(self, segment: Record) -> Iterator[Input]:
        whole = self._segments.add(segment)
        if segment.kind == "continuation":
            is_alone = whole is None and not self._segments.waits_for(segment)
            self.tally.add(segment.kind, Fate.ALONE if is_alone else Fate.JOINED)
        if whole is not None:
            yield from self.add(whole)

    def _pass_over(self, record: Record) -> None:
        """Count a record that holds no document; a `warcinfo` says where the others are from."""
        if record.kind == "warcinfo":
            self._add_info(record)
            self.tally.add(record.kind, Fate.TAKEN)
        elif record.kind in _FATES:
            self.tally.add(record.kind, _FATES[record.kind])
        elif record.kind != "response":
            self.tally.add(record.kind, Fate.UNKNOWN)
        elif record.fields["warc-target-uri"].lower().startswith(("http:", "https:")):
            self.tally.add(record.kind, Fate.NO_HEAD)
        else:
            is_dns = record.fields["warc-target-uri"].lower().startswith("dns:")
            self.tally.add("dns" if is_dns else record.kind, Fate.NO_HTTP)

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
                self.tally.add(request.kind, Fate.JOINED)
                return redact(request.block)
        return b""

    def _add_request(self, request: Record) -> None:
        """Join a request to a document held back, or keep it for its response."""
        if HEAD_END.search(request.block) is None:
            # a record of it would be damaged
            self.tally.add(request.kind, Fate.NO_HEAD)
            return
        for at, (record, held) in enumerate(self._held):
            exchange = held.exchange
            if exchange and not exchange.request and _belong_together(record, request):
                exchange = replace(exchange, request=redact(request.block))
                self._held[at] = (record, replace(held, exchange=exchange))
                self.tally.add(request.kind, Fate.JOINED)
                return
        self._requests.append(request)
        while len(self._requests) > _MAX_REQUESTS or _size(self._requests) > _HELD_BYTES:
            del self._requests[0]
            self.tally.add(request.kind, Fate.ALONE)

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
    if not request or method.upper() == _PAGE_METHOD:
        return held
    detail = f"the answer to a request of method {method[:20].decode('latin-1')!r}"
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


def _body_size(held: Input) -> int:
    return len(held.exchange.body) if held.exchange is not None else 0


def _size(requests: list[Record]) -> int:
    return sum(len(request.block) for request in requests)


def _belong_together(answer: Record, request: Record) -> bool:
    """Whether the records are one exchange: one names the other, or neither names any record."""
    named_by_request, named_by_answer = _concurrent(request), _concurrent(answer)
    if not named_by_request and not named_by_answer:
        return all(
            answer.fields[name] == request.fields[name] for name in ("warc-target-uri", "warc-date")
        )
    if answer.record_id and answer.record_id in named_by_request:
        return True
    return bool(request.record_id) and request.record_id in named_by_answer


def _concurrent(record: Record) -> set[str]:
    """Return the ids of all records that one says it is concurrent to."""
    if "warc-concurrent-to" not in record.fields:
        return set()
    pairs = record.fields.pairs
    return {without_brackets(value) for name, value in pairs if name == "warc-concurrent-to"}
