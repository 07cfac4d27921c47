"""Which addresses may be connected to: public unicast ones, never those of the local network.

The tables are IANA's special-purpose registries, written out, because the result of
``ipaddress.is_global`` depends on the Python version and counts multicast as global.
"""

from __future__ import annotations

import socket
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

from crawler.httpclient.errors import AddressRefused

_NOT_PUBLIC_V4 = [
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
]
#: The part of IPv6 that is assigned for unicast today; unique local, link-local and multicast
#: addresses are outside.
_UNICAST_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = [
    IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries an IPv4 address of the sender's choice
        "2620:4f:8000::/48",
        "3fff::/20",
    )
]
#: The well-known NAT64 prefix, by which an IPv6-only network reaches an IPv4 host: the embedded
#: IPv4 address decides.
_NAT64 = IPv6Network("64:ff9b::/96")
_LOOPBACK_V4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_V6 = IPv6Address("::1")


def is_loopback(address: IPv4Address | IPv6Address) -> bool:
    """Return whether the address is in 127/8 or ::1; an IPv4-mapped one is not."""
    if isinstance(address, IPv4Address):
        return address in _LOOPBACK_V4
    return address == _LOOPBACK_V6


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether the address, or the IPv4 address embedded in it, is public unicast."""
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _NOT_PUBLIC_V4)
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(address.packed[12:]))
    return address in _UNICAST_V6 and not any(address in net for net in _NOT_PUBLIC_V6)


def check_address(address: str, *, allow_loopback: bool) -> IPv4Address | IPv6Address:
    """Return the parsed address if it may be connected to.

    :raises AddressRefused: it may not, or it is not an IP address.
    """
    try:
        parsed = ip_address(address)
    except ValueError as error:
        raise AddressRefused(f"{address!r} is not an IP address") from error
    if is_public(parsed) or (allow_loopback and is_loopback(parsed)):
        return parsed
    raise AddressRefused(f"{address} is not a public address")


def check_host(host: str, *, allow_loopback: bool) -> None:
    """Check the host of a URL before it is resolved: IP addresses in every form, and localhost.

    A proxy may resolve it, and names below localhost may have no address: they mean loopback
    whatever the resolver says (RFC 6761).

    :raises AddressRefused: the host is an address that may not be connected to.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        name = "127.0.0.1"
    literal = _literal(name)
    if literal is not None:
        check_address(literal, allow_loopback=allow_loopback)


def _literal(host: str) -> str | None:
    """Return the address that a host spells as inet_aton(3) reads it (0x7f.1), None for a name."""
    try:
        return str(IPv6Address(host))
    except AddressValueError:
        pass
    try:
        return str(IPv4Address(socket.inet_aton(host)))
    except OSError:
        return None
