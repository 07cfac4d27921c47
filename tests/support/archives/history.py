"""One article's captures, day by day: its page as it was, or with a label, and whatever else its address answered."""

from __future__ import annotations

from archive.model.exchange import Exchange
from tests.archive.articles.test_identity import ADDRESS, DAY, ID, PAGE, page_capture
from tests.support.documents import NOON

URL, OWN_ID = ADDRESS["etoday"], ID["etoday"]
GONE = "<html><head><title>안내</title></head><body><p>삭제된 기사입니다.</p></body></html>"


def answer(status: int, day: float, body: str = "", url: str = URL) -> Exchange:
    """What the address answered on a day."""
    reason = {200: "OK", 404: "Not Found", 410: "Gone", 503: "Busy"}[status]
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n".encode()
    return Exchange(url=url, captured_at=NOON + day * DAY, head=head, body=body.encode())


def page(day: float, body: bytes | None = None, url: str = "") -> Exchange:
    """The article's page, captured on a day."""
    return page_capture("etoday", NOON + day * DAY, body, url)


def relabelled(label: str) -> bytes:
    """The Etoday page with a label before its headline."""
    words = "달빛마을도서관 ".encode()
    text = PAGE["etoday"]
    at = text.index(words, text.index(b"<h1"))
    return text[:at] + label.encode() + b" " + text[at:]


def another(number: int, day: float) -> Exchange:
    """The page of another article of the outlet, captured on a day."""
    body = PAGE["etoday"].replace(b"09:10", f"09:{10 + number}".encode())
    return page(day, body, url=other_url(number))


def other_url(number: int) -> str:
    """The address of that article."""
    return URL.replace("/view/", f"/view/{number}")
