"""Archives made to hang their reader or to fill its memory, each with what `replay` has to say of it."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from archive.model.exchange import MAX_DOCUMENT
from tests.support.archives import foreign_archives
from tests.support.archives.foreign_archives import HEAD, PAGE, URL, date, packed, rec, sha1

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = MAX_DOCUMENT - 1000


def _zeros(size: int) -> bytes:
    """So many zero bytes as a gzip member."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=4, mtime=0) as file:
        for _ in range(size // 2**20):
            file.write(bytes(2**20))
    return out.getvalue()


def _longest_page(number: int, body: bytes = bytes(_LONGEST)) -> bytes:
    """A page of the outlet as long as one may be."""
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    at = {
        "WARC_Target_URI": f"{URL}{number}",
        "WARC_Date": date(),
        "Content_Type": "application/http",
    }
    return gzip.compress(rec("1.0", "response", f"l{number}", block, **at), 4)


def _large() -> bytes:
    """Pages just short enough to be read, of one element within the other."""
    body = "<div>가".encode() * 2**20
    return b"".join(_longest_page(number, body[: 2**22]) for number in range(30))


def _entry(name: str, how: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = how
    return entry


def _wacz(name: str, data: bytes, how: int = zipfile.ZIP_STORED) -> bytes:
    return foreign_archives.zipped([(_entry(name, how), data)])


def _patched(data: bytes, at: int, form: str, value: int) -> bytes:
    """A zip of one file with a field changed in the file's head and in the directory."""
    out = bytearray(data)
    struct.pack_into(form, out, data.index(b"PK\x03\x04") + at, value)
    struct.pack_into(form, out, data.rindex(b"PK\x01\x02") + at + 2, value)
    return bytes(out)


def _overlapping() -> bytes:
    """Thousands of names for one and the same file."""
    data = _wacz("archive/0.warc", b"".join(foreign_archives.common_crawl()) * 100)
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = data[start:end]
    number = 20_000
    tail = bytearray(data[end:])
    struct.pack_into("<HHII", tail, 8, number, number, len(entry) * number, start)
    return data[:start] + entry * number + bytes(tail)


def _many_names() -> bytes:
    """A directory of fifty thousand names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for number in range(50_000):
            package.writestr(f"archive/{number:0100}.warc", b"")
    return out.getvalue()


def _traversing() -> bytes:
    names = (
        "../../../../escaped.warc",
        "/escaped.warc",
        "archive/\x1b[2J\n.warc",
        "archive\\..\\escaped.warc",
    )
    return foreign_archives.zipped(
        [(name, b"".join(foreign_archives.common_crawl())) for name in names]
    )


def _deep() -> bytes:
    """A description nested beyond all measure beside a good WARC."""
    return foreign_archives.zipped(
        [
            ("datapackage.json", b"[" * 500_000),
            ("archive/a.warc", b"".join(foreign_archives.common_crawl())),
        ]
    )


def _squeezed() -> bytes:
    """Good records, each squeezed a thousandfold, in a zip that has squeezed them once more."""
    return _wacz("archive/a.warc.gz", b"".join(map(_longest_page, range(4))), zipfile.ZIP_DEFLATED)


def _revisits() -> bytes:
    """The longest pages, and revisits that each ask for another digest of them."""
    at = {
        "WARC_Target_URI": f"{URL}1",
        "WARC_Date": date(2),
        "WARC_Profile": foreign_archives.HTTP_1_0,
    }
    asking = [
        rec("1.0", "revisit", f"v{n}", b"", **at, WARC_Payload_Digest=sha1(b"%d" % n))
        for n in range(1000)
    ]
    return _longest_page(1) + packed(*asking)


def _orphans() -> bytes:
    """Requests that nobody answers, each as long as one may be."""
    at = {"WARC_Target_URI": URL, "WARC_Date": date(), "Content_Type": "application/http"}
    return packed(*(rec("1.0", "request", f"o{n}", bytes(60_000), **at) for n in range(2000)))


def _good(*more: bytes) -> bytes:
    return packed(*foreign_archives.common_crawl()) + b"".join(more)


#: By file name: how it is made, the reasons that have to be said, and how many articles it gives.
CASES: dict[str, tuple[Callable[[], bytes], set[str], int]] = {
    "bomb.warc.gz": (lambda: _good(_zeros(2**28)), {"bad_record"}, 1),
    "claim.warc.gz": (
        lambda: (
            gzip.compress(
                b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 999999999999999\r\n\r\n"
            )
            + _good()
        ),
        {"too_large", "bad_record", "truncated"},
        1,
    ),
    "longest.warc.gz": (lambda: b"".join(map(_longest_page, range(8))), {"bad_record"}, 0),
    "large.warc.gz": (_large, {"bad_record"}, 0),
    "revisits.warc.gz": (_revisits, {"no_original"}, 0),
    "orphans.warc.gz": (_orphans, set(), 0),
    "squeezed.wacz": (_squeezed, {"bad_package", "bad_record"}, 0),
    "zeros.wacz": (
        lambda: _wacz("archive/a.warc", bytes(2**26), zipfile.ZIP_DEFLATED),
        {"bad_package"},
        0,
    ),
    "overlapping.wacz": (_overlapping, {"bad_package"}, 0),
    "names.wacz": (_many_names, {"bad_package"}, 0),
    "traversing.wacz": (_traversing, set(), 1),
    "deep.wacz": (_deep, set(), 1),
    "encrypted.wacz": (lambda: _patched(_wacz("a.warc", PAGE), 6, "<H", 1), {"bad_package"}, 0),
    "bzip2.wacz": (lambda: _wacz("a.warc", bytes(2**24), zipfile.ZIP_BZIP2), {"bad_package"}, 0),
    "unknown.wacz": (lambda: _patched(_wacz("a.warc", PAGE), 8, "<H", 99), {"bad_package"}, 0),
    "size.wacz": (lambda: _patched(_wacz("a.warc", PAGE), 18, "<I", 2**31), {"bad_package"}, 0),
    "cut.wacz": (lambda: _wacz("archive/a.warc", _good())[:-30], {"bad_package"}, 0),
    "no.wacz": (lambda: b"no zip at all", {"bad_package"}, 0),
    "empty.wacz": (lambda: _wacz("datapackage.json", b"{}"), {"bad_package"}, 0),
    "nested.wacz": (
        lambda: _wacz("archive/in.wacz", _wacz("archive/a.warc", _good())),
        {"bad_package"},
        0,
    ),
    "garbage.wacz": (
        lambda: _wacz("archive/a.warc", zlib.compress(HEAD) + b"WARC/1.0\r\n" * 1000),
        {"not_a_warc", "bad_record"},
        0,
    ),
}
