"""Who answers for a crawl: an outlet must be able to reach a person, so a live crawl has to name one."""

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

#: The name outlets know us by: the first word of the user agent, and the one robots.txt is read
#: for.
NAME = "Sacho"
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
_EMAIL = re.compile(
    rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@{_HOST}", re.I
)
_URL = re.compile(rf"https?://{_HOST}(?::[0-9]{{1,5}})?(?:[/?#].*)?", re.I)
#: What would end the comment it stands in, or the header field.
_UNFIT = re.compile(r"[^\x21-\x7e]|[()\\<>\"]")

_HOW = (
    "Set CONTACT to an e-mail address or web page at which outlets reach you, "
    f"in the environment (CONTACT=name@host {PROGRAM} crawl …) or with -s CONTACT=…"
)


class ContactError(ValueError):
    """The message is the sentence the operator needs."""


def check(contact: str) -> str:
    """The contact, if it is one: an e-mail address, or an http(s) URL of a named host without credentials.

    :raises ContactError: it is not, or it would not arrive unchanged in a header.
    """
    if _UNFIT.search(contact):
        raise ContactError(
            f"CONTACT {contact!r} has a space, line break, bracket, quotation mark or non-ASCII character. {_HOW}"
        )
    if not (
        _EMAIL.fullmatch(contact)
        or (_URL.fullmatch(contact) and "@" not in urlsplit(contact).netloc)
    ):
        raise ContactError(
            f"CONTACT {contact!r} is neither an e-mail address nor an http(s) address. {_HOW}"
        )
    return contact


def agent(contact: str, version: str) -> str:
    """The user agent: ``Sacho/0.1.0 (+contact)``; without a contact the name and version alone.

    :raises ContactError: the contact is not one, or the version is more than letters, digits, dots,
        ``+`` and ``-``.
    """
    if not re.fullmatch(r"[0-9A-Za-z.+-]+", version):
        raise ContactError(f"{version!r} is no version to put into a user agent")
    return f"{NAME}/{version} (+{check(contact)})" if contact else f"{NAME}/{version}"


def check_contact(settings: BaseSettings, hosts: Iterable[str] = ()) -> str:
    """The user agent of a crawl that will reach ``hosts``.

    Without a contact that is fine only where all of them are loopback: named so, or led there by
    ``RESOLVER_MAP`` under ``ALLOW_LOOPBACK``. No hosts means any host. Reads ``CONTACT``,
    ``ALLOW_LOOPBACK``, ``RESOLVER_MAP``.

    :raises ContactError: ``CONTACT`` is missing where it is needed, or is none.
    """
    contact = str(settings.get("CONTACT") or "")
    if not contact:
        wanted = {host.lower() for host in hosts}
        mapped = {name.lower() for name in settings.getdict("RESOLVER_MAP")}
        # A map entry for one port leaves the host's other ports to the real resolver; both ports of
        # the web are all that a crawl reaches.
        led = {host for host in wanted if host in mapped or {f"{host}:80", f"{host}:443"} <= mapped}
        public = sorted(host for host in wanted - led if not _spells_loopback(host))
        if not settings.getbool("ALLOW_LOOPBACK") or not wanted or public:
            named = f" ({', '.join(public[:3])}{' …' if len(public) > 3 else ''})" if public else ""
            raise ContactError(f"A live crawl{named} needs a CONTACT. {_HOW}")
    return agent(contact, VERSION)


def _spells_loopback(host: str) -> bool:
    try:
        return is_loopback(ip_address(host.strip("[]")))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
