"""What can be made to go wrong, one function a kind; the server asks which fault meets a request."""

from __future__ import annotations

import re
import threading
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.fault_server.bombs import bomb
from tests.support.mock_site import feeds
from tests.support.mock_site.routes import HTML, NAMES, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

#: Kinds that change what is said.
SAID = (
    "status",
    "answer",
    "front",
    "private",
    "loop",
    "bomb",
    "bad_gzip",
    "cut_gzip",
    "empty",
    "login",
    "consent",
    "challenge",
    "soft_404",
    "charset",
    "nesting",
    "html",
    "refresh",
    "redesign",
)
#: Kinds that change how it is put on the wire.
WIRED = ("reset", "short", "slow", "slow_head", "hang", "headers", "odd_head", "raw")

LOGIN = """<!DOCTYPE html><html lang="ko"><head><meta charset="utf-8"><title>로그인</title></head>
<body><h1>로그인이 필요합니다</h1><form action="/login" method="post">
<input name="id"><input type="password" name="pw"><button>로그인</button></form></body></html>"""
CONSENT = """<!DOCTYPE html><html lang="ko"><head><meta charset="utf-8">
<title>개인정보 수집 동의</title></head><body><h1>계속하려면 동의가 필요합니다</h1>
<p>쿠키와 개인정보 수집·이용에 동의해 주세요.</p>
<form action="/consent" method="post"><button>동의하고 계속</button></form></body></html>"""
CHALLENGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>Just a moment...</title></head>
<body><noscript>Enable JavaScript and cookies to continue</noscript>
<script>window._cf_chl_opt = {cvId: "3", cType: "managed"};</script></body></html>"""


@dataclass(slots=True)
class Fault:
    """One fault: it meets addresses (``host/path?query``) that ``pattern`` is found in.

    Of those it takes the ``share`` that a hash of the address picks, and of each address the first
    ``times`` requests (``None``: all). ``options`` are the kind's own.
    """

    pattern: str
    kind: str
    share: float = 1.0
    times: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)


class Faults:
    """The faults in force; the first that meets a request is the one that happens."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Put a fault in force.

        :raises ValueError: there is no such kind.
        """
        if fault.kind not in SAID + WIRED:
            raise ValueError(
                f"no fault of kind {fault.kind!r}; there are {', '.join(SAID + WIRED)}"
            )
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Put everything right again."""
        with self._lock:
            self._faults.clear()

    def meeting(self, url: str) -> Fault | None:
        """Give the fault that meets this request, and count it."""
        with self._lock:
            for fault in self._faults:
                if not re.search(fault.pattern, url) or not _chosen(url, fault):
                    continue
                if fault.times is not None and fault.seen[url] >= fault.times:
                    continue
                fault.seen[url] += 1
                return fault
        return None


def _chosen(url: str, fault: Fault) -> bool:
    """Pick the same addresses every time: the share of them whose hash is low, another set for each kind."""
    return fault.share >= 1.0 or zlib.crc32(f"{fault.kind} {url}".encode()) / 2**32 < fault.share


def apply(fault: Fault, outlet: str, url: str, proper: Answer) -> Answer:
    """Give the answer this fault turns the proper one into."""
    if fault.kind in WIRED:
        defaults = {"slow": 0.1, "slow_head": 0.1, "headers": 500_000, "short": 0.5, "hang": 3600}
        proper.manner = fault.kind
        proper.amount = float(fault.options.get("amount", defaults.get(fault.kind, 0)))
        proper.script = fault.options.get("script")
        proper.keeps = fault.options.get("keeps", False)
        return proper
    if fault.kind == "front":
        return _redirect("/", fault)
    if fault.kind == "private":
        return _redirect(fault.options.get("to", "http://169.254.169.254/latest/meta-data/"), fault)
    if fault.kind == "loop":
        path = "/" + url.partition("/")[2]
        back = re.sub(r"[?&]again=1$", "", path)
        return _redirect(
            back if back != path else f"{path}{'&' if '?' in path else '?'}again=1", fault
        )
    if fault.kind == "soft_404":
        return Answer(200, body=feeds.not_found(NAMES[outlet]).encode())
    if fault.kind == "html":
        page = feeds.front_page(NAMES[outlet], [], str)
        return Answer(200, body=page.encode())
    return _MADE[fault.kind](fault, proper)


def _redirect(where: str, fault: Fault) -> Answer:
    return Answer(fault.options.get("status", 302), headers=[("Location", where)])


def _status(fault: Fault, _: Answer) -> Answer:
    headers = (
        [("Retry-After", str(fault.options["retry_after"]))]
        if "retry_after" in fault.options
        else []
    )
    status = fault.options.get("status", 503)
    return Answer(
        status, body=f"<html><body><h1>{status}</h1></body></html>\n".encode(), headers=headers
    )


def _answer(fault: Fault, _: Answer) -> Answer:
    """Answer with just the ``status``, ``media_type``, ``body`` and ``headers`` that are given.

    With ``encoded`` the body is sent as it is, even if gzip is asked for.
    """
    options = fault.options
    return Answer(
        options.get("status", 200),
        options.get("media_type", HTML),
        options.get("body", "").encode(),
        list(options.get("headers", ())),
        encoded=options.get("encoded", False),
    )


def _wall(page: str) -> Callable[[Fault, Answer], Answer]:
    return lambda fault, _: Answer(fault.options.get("status", 200), body=page.encode())


def _bomb(fault: Fault, _: Answer) -> Answer:
    coding = fault.options.get("coding", "gzip")
    packed = bomb(fault.options.get("megabytes", 500), coding)
    return Answer(200, body=packed, headers=[("Content-Encoding", coding)], encoded=True)


def _bad_gzip(_: Fault, proper: Answer) -> Answer:
    packed = bytearray(gzipped(proper.body))
    middle = len(packed) // 2
    packed[middle : middle + 16] = b"\xff" * 16
    return Answer(
        200, proper.media_type, bytes(packed), [("Content-Encoding", "gzip")], encoded=True
    )


def _cut_gzip(_: Fault, proper: Answer) -> Answer:
    packed = gzipped(proper.body)
    return Answer(
        200,
        proper.media_type,
        packed[: len(packed) * 2 // 3],
        [("Content-Encoding", "gzip")],
        encoded=True,
    )


def _empty(_: Fault, proper: Answer) -> Answer:
    return Answer(200, proper.media_type)


def _charset(fault: Fault, proper: Answer) -> Answer:
    """Encode as ``encode``, say ``label`` in header and page (``""``: say nothing)."""
    page = proper.body.decode()
    label = fault.options.get("label", "euc-kr")
    page = page.replace('<meta charset="utf-8">', f'<meta charset="{label}">' if label else "")
    media_type = f"text/html; charset={label}" if label else "text/html"
    return Answer(
        proper.status,
        media_type,
        page.encode(fault.options.get("encode", "utf-8")),
        changed=proper.changed,
    )


def _nesting(fault: Fault, proper: Answer) -> Answer:
    depth = fault.options.get("depth", 100_000)
    body = proper.body.replace(b"<body>", b"<body>" + b"<div>" * depth, 1)
    return Answer(proper.status, HTML, body.replace(b"</body>", b"</div>" * depth + b"</body>", 1))


def _refresh(fault: Fault, proper: Answer) -> Answer:
    """Add a meta refresh, to a private address unless told otherwise, to an otherwise proper page."""
    where = fault.options.get("to", "http://169.254.169.254/latest/meta-data/")
    tag = f'<head>\n<meta http-equiv="refresh" content="0; url={where}">'
    return Answer(proper.status, proper.media_type, proper.body.replace(b"<head>", tag.encode(), 1))


def _redesign(_: Fault, proper: Answer) -> Answer:
    """Give every element of the page another class and id, as a new template does; what the head says stays."""
    head, body, rest = proper.body.partition(b"<body")
    renamed = re.sub(rb'\b(class|id|itemprop)="([^"]+)"', rb'\1="r-\2"', rest)
    return Answer(proper.status, proper.media_type, head + body + renamed, changed=proper.changed)


_MADE: dict[str, Callable[[Fault, Answer], Answer]] = {
    "status": _status,
    "answer": _answer,
    "login": _wall(LOGIN),
    "consent": _wall(CONSENT),
    "challenge": _wall(CHALLENGE),
    "bomb": _bomb,
    "bad_gzip": _bad_gzip,
    "cut_gzip": _cut_gzip,
    "empty": _empty,
    "charset": _charset,
    "nesting": _nesting,
    "refresh": _refresh,
    "redesign": _redesign,
}


def gzipped(data: bytes) -> bytes:
    """Compress as a server does on the fly; no time in the header, so the same bytes every time."""
    packer = zlib.compressobj(5, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()
