"""The framing agrees with two independent parsers, and with how the archive reads it back."""

from __future__ import annotations

from itertools import pairwise

import h11
import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.http.message import MAX_CHUNK_LINE, MessageError, dechunk, parse_head
from crawler.httpclient import HeadTooLargeError
from crawler.httpclient.response_parser import (
    HEAD_BYTES,
    HEAD_LINES,
    ChunkedBody,
    ResponseReader,
)

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
extensions = st.sampled_from([b"", b";a", b";a=b", b';q="x;y"'])
trailers = st.lists(st.sampled_from([b"X-A: 1\r\n", b"Digest: abc\r\n"]), max_size=3)


@st.composite
def chunked(draw):
    """A well-formed chunked body and its payload; chunks often begin or end with line ends."""
    data = st.one_of(
        st.binary(min_size=1, max_size=40),
        st.sampled_from([b"\r\n", b"\n\n<p>", b"0\r\n\r\n", b" \t"]),
    )
    chunks = draw(st.lists(data, max_size=8))
    body = b"".join(
        draw(st.sampled_from([b"%x", b"%X", b"000%x"])) % len(chunk)
        + draw(extensions)
        + b"\r\n"
        + chunk
        + b"\r\n"
        for chunk in chunks
    )
    return body + b"0" + draw(extensions) + b"\r\n" + b"".join(draw(trailers)) + b"\r\n", b"".join(
        chunks
    )


def cut(draw_points: list[int], data: bytes) -> list[bytes]:
    points = sorted({0, len(data), *(point % (len(data) + 1) for point in draw_points)})
    return [data[start:end] for start, end in pairwise(points)]


class Collector:
    def __init__(self):
        self.body = b""
        self.complete = False

    def on_body(self, data):
        self.body += data

    def on_message_complete(self):
        self.complete = True


@given(chunked(), st.lists(st.integers(0, 5000), max_size=6))
def test_chunks_read_as_h11_httptools_and_the_archive_read_them(sample, points):
    body, expected = sample
    reader = ChunkedBody()
    pieces = [reader.feed(piece) for piece in cut(points, body)]
    assert (b"".join(pieces), reader.payload(), reader.as_served()) == (expected, expected, body)
    assert (reader.complete, reader.excess, reader.size) == (True, False, len(body))
    assert dechunk(body) == expected

    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(HEAD + body)
    seen = b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        seen += event.data if isinstance(event, h11.Data) else b""
    assert seen == expected

    collector = Collector()
    httptools.HttpResponseParser(collector).feed_data(HEAD + body)
    assert (collector.body, collector.complete) == (expected, True)


@given(chunked(), st.binary(min_size=1, max_size=30))
def test_what_follows_the_last_chunk_is_not_of_the_body(sample, more):
    reader = ChunkedBody()
    assert reader.feed(sample[0] + more) == sample[1]
    assert (reader.as_served(), reader.complete, reader.excess) == (sample[0], True, True)


@given(
    st.binary(max_size=60) | st.text("0123af\r\n; \t", max_size=30).map(str.encode),
    st.lists(st.integers(0, 90)),
)
def test_any_bytes_read_alike_in_any_pieces_and_are_all_kept(data, points):
    def read(pieces):
        reader = ChunkedBody()
        try:
            for piece in pieces:
                reader.feed(piece)
        except MessageError:
            return "broken", None, None
        return reader.complete, reader.payload(), reader.as_served()

    whole = read([data])
    assert whole == read(cut(points, data))
    if whole[0] is True:
        assert dechunk(whole[2]) == whole[1]
    elif whole[0] is False:
        assert whole[2] == data


@given(st.binary(max_size=200), st.lists(st.integers(0, 300)))
def test_any_bytes_as_a_head_end_in_a_head_or_a_message_error(data, points):
    def read(pieces):
        reader = ResponseReader("GET")
        rest = b""
        try:
            for piece in pieces:
                if reader.head is None:
                    rest = reader.feed_head(piece) or b""
                else:
                    rest += piece
        except MessageError:
            return "broken", b"", b""
        return reader.head is not None, reader.raw_head, rest

    data = b"HTTP/1.1 200 " + data
    assert read([data]) == read(cut(points, data))


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\nabc",
        b"-1\r\n",
        b"+1\r\na\r\n",
        b"0x1\r\na\r\n",
        b"1_0\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\rx",
        b"\r\n",
        b"1\r\n\r\n\r\n\r\n",
        b"1" * 16 + b"\r\n",
        b"1" * (MAX_CHUNK_LINE + 1),
        b"0\r\n" + b"a: b\r\n" * MAX_CHUNK_LINE,
    ],
    ids=range(12),
)
def test_broken_chunks_are_refused_and_kept(body):
    reader = ChunkedBody()
    with pytest.raises(MessageError):
        reader.feed(body)
    assert reader.as_served() == body


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n" + b"a:b\r\n" * 500_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * HEAD_BYTES,
        b"HTTP/1.1 200 OK\r\n" + b"a:\n" * HEAD_LINES + b"\n",
        b"HTTP/1.1 103 E\r\n\r\n" * 20_000,
    ],
    ids=["flood", "long", "many", "interim"],
)
def test_heads_beyond_measure_are_refused_at_once(head):
    reader = ResponseReader("GET")
    taken = 0
    with pytest.raises(HeadTooLargeError):  # noqa: PT012
        while taken < len(head):
            reader.feed_head(head[taken : taken + 65536])
            taken += 65536
    assert taken <= HEAD_BYTES


@pytest.mark.parametrize(
    "head",
    [b"<html>\r\n\r\n", b"HTTPS/1.1 200\r\n\r\n", b"200 OK\r\n\r\n", b"HTTP/1.1 101 S\r\n\r\n"],
)
def test_what_is_not_a_response_is_reported(head):
    with pytest.raises(MessageError):
        ResponseReader("GET").feed_head(head)


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", False),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x\r\nconnection: close\r\n\r\n",
            False,
        ),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", False),
    ],
)
def test_a_connection_is_kept_when_both_ends_know_where_they_are(head, keeps):
    reader = ResponseReader("GET")
    reader.feed_head(head)
    assert reader.keeps_alive() is keeps


OK = b"HTTP/1.1 200 OK\r\n"
SIZED = b"Content-Length: 2\r\n\r\nab"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "served",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
        b"HTTP/1.1 200\r\n" + SIZED,
        "HTTP/1.1 200 성공\r\n".encode("euc-kr") + SIZED,
        b"http/1.1 200 OK\r\n" + SIZED,
        b"HTTP/1 200 OK\r\n" + SIZED,
        b"HTTP/1.1  200  OK\r\n" + SIZED,
        b"\r\n" + OK + SIZED,
        OK + "X: 한글\r\n".encode("euc-kr") + SIZED,
        OK + b"X: a\r\n  b\r\n" + SIZED,
        OK + b"a line without a colon\r\n" + SIZED,
        OK + b"X : a\r\n" + SIZED,
        OK + b"X Y: a\r\n" + SIZED,
        OK + b"X[1]: a\r\n" + SIZED,
        OK + b": a\r\n" + SIZED,
        OK + b"X: a\x01b\r\n" + SIZED,
        OK + b"X: a\x00b\r\n" + SIZED,
        OK + b"X: a\rb\r\n" + SIZED,
        OK + b"Content-Length: 2\r\n" + SIZED,
        OK + b"Content-Length: 3\r\n" + SIZED,
        OK + b"Content-Length: two\r\n\r\nab",
        OK + b"Content-Length: 9\r\n" + CHUNKED + b"2\r\nab\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        OK + CHUNKED + b"2\nab\n0\n\n",
        OK + CHUNKED + b"2   \r\nab\r\n0\r\n\r\n",
        OK + CHUNKED + b" 2\r\nab\r\n0\r\n\r\n",
        OK + CHUNKED + b"2\r\nab\r\n0\r\na line without a colon\r\n\r\n",
        OK + CHUNKED + b"2\r\nab\r\n0\r\n",
    ],
    ids=range(27),
)
def test_responses_that_strict_parsers_refuse_are_read_and_kept_as_served(served):
    """Of these 27, h11 0.16 refuses 18 and httptools 0.9 refuses 22."""
    reader = ResponseReader("GET")
    rest = reader.feed_head(served)
    reader.body.feed(rest)
    assert reader.body.payload() == b"ab"
    assert reader.body.close()
    assert reader.raw_head + reader.body.as_served() == served.removeprefix(b"\r\n")


def test_header_values_keep_bytes_that_are_blank_only_to_unicode():
    head = parse_head("HTTP/1.1 302 전\r\nLocation: /뉴스/전\r\nX: \xa0\r\n\r\n".encode())
    assert head.get("Location").encode("latin-1") == "/뉴스/전".encode()
    assert head.get("X").encode("latin-1") == b"\xc2\xa0"
    assert head.reason.encode("latin-1") == "전".encode()


def test_chunks_that_begin_with_a_blank_line_keep_it():
    assert dechunk(b"5\r\n\r\n<p>\r\n0\r\n\r\n") == b"\r\n<p>"
