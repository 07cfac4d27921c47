"""The documents of a WARC, ours or another's, made inputs: each with the request it answers and where it is from.

Shapes met: Browsertrix, pywb and warcio write response, then request; wget and Common Crawl
request, then response; Heritrix response, request, metadata. Which names which by
WARC-Concurrent-To differs too, so both are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome, Reason, Verdict
from archive.warc.http_repair import repair_head
from archive.warc.record_parser import Damage, Record, revisit_exchange
from archive.warc.record_writer import ORIGIN_FIELD, is_uri
from archive.warc.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.model.exchange import Exchange

#: What of a foreign `warcinfo` is kept, in this order, and how much of it.
_TOLD = ("software", "operator", "isPartOf", "hostname", "robots", "description")
_LONGEST = 1000
#: How many descriptions one file may have, and how many requests wait for their response, each at
#: most so long.
_INFOS, _REQUESTS, _REQUEST = 100, 8, 2**16
_OURS = "Sacho/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One document that was given: an exchange, or a verdict on why there is none.

    ``outlet`` is the name stated beside the file, ``""`` if none is; ``source`` names the file (and
    record); ``origin`` describes an imported WARC. ``revisit`` is the record, where the exchange
    repeats another's payload.
    """

    source: str
    exchange: Exchange | None = None
    verdict: Verdict | None = None
    outlet: str = ""
    origin: str = ""
    revisit: Record | None = None


def documents(records: Iterator[Record | Damage], source: str, origin: str) -> Iterator[Input]:
    """What the records of one WARC give: its documents, its revisits, and every damage as a failed input.

    ``source`` names the file for a person, ``origin`` says where it is from. `request` records go
    with what they answer; `warcinfo` records are added to the origin; other records say nothing of
    a page.
    """
    reader = _Reader(source, origin)
    for record in records:
        yield from reader.take(record)
    yield from reader.rest()


class _Reader:
    """One pass: a document is held until the record behind it is seen, which may be its request."""

    def __init__(self, source: str, origin: str) -> None:
        self._source, self._origin = source, origin
        self._infos: dict[str, tuple[str, bool]] = {}
        self._last = (origin, False)
        self._requests: list[Record] = []
        self._held: tuple[Record, Input] | None = None

    def take(self, record: Record | Damage) -> Iterator[Input]:
        if isinstance(record, Record) and record.kind == "request":
            self._request(record)
            return
        if isinstance(record, Record) and record.kind == "metadata":
            return
        yield from self.rest()
        if isinstance(record, Damage):
            verdict = Verdict(Outcome.FAILED, record.reason, record.sentence)
            yield Input(source=f"{self._source}@{record.offset}", verdict=verdict)
        elif record.kind == "warcinfo":
            self._describe(record)
        elif record.exchange is not None or record.kind == "revisit":
            self._hold(record)

    def rest(self) -> Iterator[Input]:
        if self._held is not None:
            (_, held), self._held = self._held, None
            yield held

    def _hold(self, record: Record) -> None:
        source = f"{self._source}@{record.offset}"
        origin, ours = self._infos.get(record.fields["warc-warcinfo-id"], self._last)
        exchange = record.exchange or replace(revisit_exchange(record), media_type="")
        if not exchange.url.startswith(("http://", "https://", "urn:sha256:")):
            # wget's log, Browsertrix's screenshots and texts, DNS answers: the tool's own records.
            self._held = (
                record,
                Input(source=source, verdict=Verdict(Outcome.SKIPPED, Reason.NOT_A_PAGE)),
            )
            return
        first = record.fields[ORIGIN_FIELD.lower()] or record.record_id
        head, asked = exchange.head, exchange.request
        if head and not ours and record.kind == "response":
            head = repair_head(head, exchange.body)
        waiting = next((request for request in self._requests if _belong(record, request)), None)
        if waiting is not None:
            self._requests.remove(waiting)
            asked = redact(waiting.block)
        exchange = replace(
            exchange, origin_id=first if is_uri(first) else "", head=head, request=asked
        )
        revisit = record if record.kind == "revisit" else None
        self._held = (
            record,
            Input(source=source, exchange=exchange, origin=origin, revisit=revisit),
        )

    def _request(self, request: Record) -> None:
        if len(request.block) > _REQUEST:
            return
        if self._held is not None:
            record, held = self._held
            if held.exchange is not None and not held.exchange.request and _belong(record, request):
                held = replace(held, exchange=replace(held.exchange, request=redact(request.block)))
                self._held = (record, held)
                return
        self._requests = [*self._requests[1 - _REQUESTS :], request]

    def _describe(self, record: Record) -> None:
        """Remember what a `warcinfo` says of the records that name it, or that follow it."""
        fields: dict[str, str] = {}
        for line in record.block.decode("utf-8", "replace").splitlines():
            name, colon, value = line.partition(":")
            if colon:
                fields.setdefault(name.strip().lower(), " ".join(value.split()))
        told = [f"{name}: {fields[name.lower()]}" for name in _TOLD if fields.get(name.lower())]
        name = record.fields.get("warc-filename", "")
        named = [name if name not in self._origin else "", record.record_id]
        text = "; ".join(part for part in (self._origin, *named, *told) if part)[:_LONGEST]
        self._last = (text, fields.get("software", "").startswith(_OURS))
        if len(self._infos) >= _INFOS:
            self._last = (self._origin, self._last[1])
        elif record.record_id:
            self._infos[record.record_id] = self._last


def _belong(answer: Record, request: Record) -> bool:
    """Whether a request is the one that was answered so: either names the other, or neither names any."""
    named = (
        request.fields["warc-concurrent-to"],
        answer.fields["warc-concurrent-to"],
    )
    if any(named):
        return (bool(answer.record_id) and named[0] == answer.record_id) or (
            bool(request.record_id) and named[1] == request.record_id
        )
    return all(
        answer.fields.get(name) == request.fields.get(name)
        for name in ("warc-target-uri", "warc-date")
    )
