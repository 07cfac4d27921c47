"""How a payload is sent: under which type, and whether a browser may open it where it stands."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.web.playback.payload import Payload

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
#: Shown as plain text: what is none of these would be run, or read as something else.
_TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/ld+json",
        "application/javascript",
        "application/x-javascript",
        "application/xml",
        "application/rss+xml",
        "application/atom+xml",
    }
)
#: The first bytes of pictures that browsers show, whatever their server called them.
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
)
_FONTS = (
    (b"wOF2", "font/woff2"),
    (b"wOFF", "font/woff"),
    (b"OTTO", "font/otf"),
    (b"\x00\x01\x00\x00", "font/ttf"),
)
_SVG = "image/svg+xml"
_UNKNOWN = "application/octet-stream"


class Kind(Enum):
    """How a capture is shown to a reader."""

    PAGE = auto()
    TEXT = auto()
    PICTURE = auto()
    OTHER = auto()


def kind_of(payload: Payload) -> Kind:
    """Return how a capture is shown, by the type that its server stated."""
    media_type = payload.media_type
    if media_type in HTML_TYPES or (not media_type and looks_like_html(payload.coded)):
        return Kind.PAGE
    if media_type.startswith("text/") or media_type in _TEXT_TYPES:
        return Kind.TEXT
    return Kind.PICTURE if media_type.startswith("image/") else Kind.OTHER


def looks_like_html(data: bytes) -> bool:
    """Return whether data begins as HTML does."""
    start = data[:512].lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head"))


def embedded_type(data: bytes, media_type: str) -> str:
    """Return the type under which a picture or font is sent: by its first bytes.

    Of anything else it is a type that no browser opens. SVG is sent as what it is, since a browser
    runs nothing of a picture within a page.
    """
    for signature, found in (*_SIGNATURES, *_FONTS):
        if data.startswith(signature):
            return found
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return _SVG if media_type == _SVG else _UNKNOWN


def is_shown_alone(media_type: str) -> bool:
    """Return whether a browser may open an embedded type as a document: no SVG."""
    return media_type not in (_SVG, _UNKNOWN)


def is_font(media_type: str) -> bool:
    """Return whether a type is that of a font, which browsers ask for across origins."""
    return media_type.startswith("font/")
