"""The contact of a crawl: a live crawl must name one, so that an outlet can reach a person."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archive.model.program import PROGRAM
from crawler import VERSION
from crawler.httpclient.address_guard import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy.settings import BaseSettings

#: The product name in the user agent, for which robots.txt is read as well.
NAME = "Sacho"
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
_EMAIL = re.compile(
    rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@{_HOST}", re.I
)
_URL = re.compile(rf"https?://{_HOST}(?::[0-9]{{1,5}})?(?:[/?#].*)?", re.I)
#: Characters that would end the user agent's comment or the header field.
_INVALID = re.compile(r"[^\x21-\x7e]|[()\\<>\"]")

_HOW = (
    "Set CONTACT to an e-mail address or web page at which outlets reach you, "
    f"in the environment (CONTACT=name@host {PROGRAM} crawl …) or with -s CONTACT=…"
)


class ContactError(ValueError):
    """The contact is missing or not valid; the message tells the operator what to do."""


def check(contact: str) -> str:
    """Return the contact if it is valid.

    A contact is an e-mail address, or an http(s) URL with a host name and without credentials.

    :raises ContactError: it is not valid, or would not reach an outlet unchanged in a header.
    """
    if _INVALID.search(contact):
        raise ContactError(
            f"CONTACT {contact!r} has a space, line break, bracket, quotation mark or "
            f"non-ASCII character. {_HOW}"
        )
    if _EMAIL.fullmatch(contact):
        return contact
    if _URL.fullmatch(contact) and "@" not in urlsplit(contact).netloc:
        return contact
    raise ContactError(
        f"CONTACT {contact!r} is neither an e-mail address nor an http(s) URL. {_HOW}"
    )


def agent(contact: str, version: str) -> str:
    """Return the user agent: ``Sacho/0.1.0 (+contact)``, or ``Sacho/0.1.0`` without a contact.

    :raises ContactError: the contact is not valid, or the version has characters other than
        letters, digits, dots, ``+`` and ``-``.
    """
    if not re.fullmatch(r"[0-9A-Za-z.+-]+", version):
        raise ContactError(f"{version!r} is not a version that a user agent can contain")
    return f"{NAME}/{version} (+{check(contact)})" if contact else f"{NAME}/{version}"


def check_contact(settings: BaseSettings, hosts: Iterable[str] = ()) -> str:
    """Return the user agent of a crawl that will connect to ``hosts``; none means any host.

    A contact is not needed if all hosts are loopback, by their names or by ``RESOLVER_MAP``, and
    ``ALLOW_LOOPBACK`` is set. Reads ``CONTACT``, ``ALLOW_LOOPBACK``, ``RESOLVER_MAP``.

    :raises ContactError: ``CONTACT`` is not valid, or is missing and needed.
    """
    contact = str(settings.get("CONTACT") or "")
    if not contact:
        _check_loopback(settings, {host.lower() for host in hosts})
    return agent(contact, VERSION)


def _check_loopback(settings: BaseSettings, hosts: set[str]) -> None:
    """Check that a crawl of ``hosts`` connects to loopback addresses only.

    :raises ContactError: it may connect to others.
    """
    public = _public_hosts(settings, hosts)
    if is_local(settings, hosts):
        return
    named = ""
    if public:
        more = " …" if len(public) > 3 else ""
        named = f" ({', '.join(public[:3])}{more})"
    raise ContactError(f"A live crawl{named} needs a CONTACT. {_HOW}")


def is_local(settings: BaseSettings, hosts: set[str]) -> bool:
    """Return whether a crawl of ``hosts`` connects to loopback addresses only."""
    return settings.getbool("ALLOW_LOOPBACK") and bool(hosts) and not _public_hosts(settings, hosts)


def _public_hosts(settings: BaseSettings, hosts: set[str]) -> list[str]:
    """Return the hosts that are not loopback, sorted."""
    mapped = {name.lower() for name in settings.getdict("RESOLVER_MAP")}
    return sorted(host for host in hosts if not _is_loopback_host(host.lower(), mapped))


def _is_loopback_host(host: str, mapped: set[str]) -> bool:
    """Return whether a host is loopback by its name or by the names of RESOLVER_MAP."""
    # An entry for one port leaves the host's other ports to DNS; a crawl uses these two.
    if host in mapped or {f"{host}:80", f"{host}:443"} <= mapped:
        return True
    try:
        return is_loopback(ip_address(host.strip("[]")))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
