"""Header fields of playback: what a page may do, and where it stands in time (RFC 7089)."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

from crawler.web.playback.address import memento_path

if TYPE_CHECKING:
    from datetime import datetime

    from archive.articles.mementos import Memento, Neighbours

#: Of every answer. A removed article must not live on in a browser's cache.
COMMON = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
}
#: What a reader's click may do in a page, and nothing else: open a link in place of what surrounds
#: the page. All links are ours.
_SANDBOX = "allow-top-navigation-by-user-activation"
#: Where readers say who they are, a browser does so for a page's pictures only if the page has the
#: origin that it comes from. Without scripts it can do nothing else with that.
_SANDBOX_OF_ORIGIN = f"allow-same-origin {_SANDBOX}"
#: The longest address whose neighbours in time are linked in the head.
_LONGEST_LINKED = 2_000


def sandbox(*, asks: bool) -> str:
    """Return what is allowed in the sandbox of a capture; ``asks``: of readers who they are."""
    return _SANDBOX_OF_ORIGIN if asks else _SANDBOX


def capture_policy(ancestors: str, *, asks: bool) -> str:
    """Return the content security policy of captured bytes; ``ancestors`` may frame them."""
    return (
        f"sandbox {sandbox(asks=asks)}; default-src 'none'; img-src 'self' data:; "
        "style-src 'self' 'unsafe-inline'; font-src 'self' data:; media-src 'self'; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )


def own_policy(ancestors: str) -> str:
    """Return the content security policy of a page of ours that surrounds a capture."""
    return (
        "default-src 'none'; img-src 'self' data:; style-src 'self'; frame-src 'self'; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )


def http_date(moment: datetime) -> str:
    """Return a UTC time as RFC 7089 section 2.1.1 has it."""
    return format_datetime(moment, usegmt=True)


def gate(base: str, url: str) -> str:
    """Return the address of a TimeGate."""
    return f"{base}/timegate/{url}"


def timemap(base: str, url: str, form: str = "link") -> str:
    """Return the address of a TimeMap."""
    return f"{base}/timemap/{form}/{url}"


def link(address: str, rel: str, **attributes: str) -> str:
    """Return one value of a Link field."""
    more = "".join(f'; {name}="{value}"' for name, value in attributes.items())
    return f'<{address}>; rel="{rel}"{more}'


def resource_links(base: str, url: str) -> list[str]:
    """Return the links of a memento to its original, its TimeGate and its TimeMap."""
    return [
        link(url, "original"),
        link(gate(base, url), "timegate"),
        link(timemap(base, url), "timemap", type="application/link-format"),
    ]


def memento_links(base: str, around: Neighbours, at: Memento | None = None) -> list[str]:
    """Return the links to the first and last memento, those before and after, and ``at`` itself."""
    rels: dict[int, list[str]] = {}
    mementos: dict[int, Memento] = {}
    named = (
        ("first", around.first),
        ("prev", around.before),
        ("", at),
        ("next", around.after),
        ("last", around.last),
    )
    for rel, memento in named:
        if memento is not None and memento.time_known:
            rels.setdefault(memento.id, []).append(rel)
            mementos[memento.id] = memento
    return [
        link(
            base + memento_path(memento.captured_at, memento.url),
            " ".join([*filter(None, rels[number]), "memento"]),
            datetime=http_date(memento.captured_at),
        )
        for number, memento in mementos.items()
        if len(memento.url) <= _LONGEST_LINKED
    ]


def memento_headers(
    base: str, memento: Memento, url: str, around: Neighbours | None = None
) -> dict[str, str]:
    """Return the fields of a memento of the original ``url``; none of one whose time is unknown."""
    if not memento.time_known:
        return {}
    links = resource_links(base, url) if len(url) <= _LONGEST_LINKED else []
    if around is not None:
        links += memento_links(base, around, memento)
    fields = {"Memento-Datetime": http_date(memento.captured_at)}
    return fields | ({"Link": ", ".join(links)} if links else {})
