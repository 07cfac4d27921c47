"""Nothing but public addresses is dialled, and what was checked is what is dialled."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.exceptions import CannotResolveHostError, IgnoreRequest
from scrapy.settings import Settings

from crawler.httpclient import AddressRefused
from crawler.httpclient.address_guard import check_address, check_host, is_public
from crawler.httpclient.dns import Resolver
from tests.support.sites.raw_servers import answering, handling, run, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PRIVATE = [
    "127.0.0.1",
    "127.255.255.255",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.88.99.1",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "fe80::1",
    "fe80::1%lo",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::8.8.8.8",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "2002:808:808::1",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "5f00::1",
    "2001:10::1",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "211.115.80.1",
    "2606:4700::1111",
    "2001:200::1",
    "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused(address):
    with pytest.raises(AddressRefused):
        check_address(address, allow_loopback=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address):
    assert str(check_address(address, allow_loopback=False)) == str(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_allow_loopback_lets_nothing_but_loopback_through(address):
    if address in ("127.0.0.1", "127.255.255.255", "::1"):
        check_address(address, allow_loopback=True)
    else:
        with pytest.raises(AddressRefused):
            check_address(address, allow_loopback=True)


@given(st.ip_addresses(v=4))
def test_no_address_python_knows_as_special_passes_in_any_wrapping(address):
    special = not address.is_global or address.is_multicast or address.is_reserved
    wrapped = [
        IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed),
        IPv6Address(b"\0\x64\xff\x9b" + b"\0" * 8 + address.packed),
    ]
    for form in (address, *wrapped):
        assert not (special and is_public(form))
    assert not is_public(IPv6Address(b"\0" * 12 + address.packed))
    assert not is_public(IPv6Address(b"\x20\x02" + address.packed + b"\0" * 10))


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_python_knows_as_special_passes(address):
    if (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or address.is_link_local
    ):
        wrapping = address in IPv6Network("64:ff9b::/96") or address.ipv4_mapped is not None
        assert wrapping or not is_public(address)


@given(
    st.sampled_from(
        ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
    ).flatmap(lambda net: st.ip_addresses(network=net)),
    st.sampled_from(["int", "hex", "octal", "dotted hex", "short", "mapped"]),
)
def test_odd_spellings_of_private_addresses_are_refused(address, form):
    number, octets = int(address), address.packed
    host = {
        "int": str(number),
        "hex": hex(number),
        "octal": ".".join(f"0{octet:o}" for octet in octets),
        "dotted hex": ".".join(hex(octet) for octet in octets),
        "short": f"{octets[0]}.{number & 0xFFFFFF}",
        "mapped": f"::ffff:{address}",
    }[form]
    with pytest.raises(AddressRefused):
        check_host(host, allow_loopback=False)

    @run
    async def resolve():
        with pytest.raises(AddressRefused):
            await Resolver(Settings()).resolve(host, 80)

    resolve()


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "127.1", "0", "127.0.0.1."]
)
def test_names_of_this_machine_are_refused_by_whomever_they_are_resolved(host):
    with pytest.raises(AddressRefused):
        check_host(host, allow_loopback=False)

    @run
    async def resolve():
        with pytest.raises(AddressRefused):
            await Resolver(Settings()).resolve(host, 80)

    resolve()


def test_other_names_are_the_proxys_to_resolve():
    check_host("www.etoday.co.kr", allow_loopback=False)
    check_host("8.8.8.8", allow_loopback=False)


def answers(monkeypatch, *given_addresses):
    """Make getaddrinfo return the lists in turn, the last one for ever; return the calls."""
    calls = []

    async def getaddrinfo(_loop, host, _port, **_):
        addresses = given_addresses[min(len(calls), len(given_addresses) - 1)]
        calls.append(host)
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, 1, 6, "", (a, 0)) for a in addresses
        ]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return calls


@pytest.mark.parametrize("enabled", [True, False])
def test_the_address_checked_is_the_one_dialled(monkeypatch, enabled):
    """The name resolves to a good address when checked and to a private one later."""
    dialled = []

    async def sock_connect(_loop, _sock, address):
        dialled.append(address)
        raise ConnectionRefusedError(111, "refused")

    calls = answers(monkeypatch, ["8.8.8.8", "10.0.0.1", "2606:4700::1111"], ["127.0.0.1"])
    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", sock_connect)

    @run
    async def fetch():
        async with handling(
            ALLOW_LOOPBACK=False, ALLOWED_PORTS=[8080], DNSCACHE_ENABLED=enabled
        ) as handler:
            with pytest.raises(Exception, match="refuses connections"):
                await handler.download_request(Request("http://rebinding.example:8080/"))
            assert dialled == [("8.8.8.8", 8080), ("2606:4700::1111", 8080)]
            assert len(calls) == 1
            second = AddressRefused if not enabled else Exception
            with pytest.raises(second):
                await handler.download_request(Request("http://rebinding.example:8080/"))
            assert len(calls) == (1 if enabled else 2)
            assert {address[0] for address in dialled} == {"8.8.8.8", "2606:4700::1111"}

    fetch()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0",
        "user@127.0.0.1",
        "127。0。0。1",
        "１２７.0.0.1",
    ],
)
def test_a_canary_on_loopback_is_never_reached(host):
    @run
    async def fetch():
        async with (
            serving(answering(OK)) as canary,
            handling(ALLOW_LOOPBACK=False, ALLOWED_PORTS=[canary.port]) as handler,
        ):
            request = Request(f"http://{host}:{canary.port}/", meta={"verbatim_url": True})
            with pytest.raises((AddressRefused, CannotResolveHostError)) as refused:
                await handler.download_request(request)
            assert canary.connections == 0
            if isinstance(refused.value, IgnoreRequest):
                assert handler.crawler.stats.get_value("httpclient/refused/address_refused") == 1

    fetch()


@run
async def test_an_operators_proxy_may_be_private_but_the_target_may_not():
    async with serving(answering(OK)) as proxy, handling(ALLOW_LOOPBACK=False) as handler:
        meta = {"proxy": f"http://127.0.0.1:{proxy.port}"}
        await handler.download_request(Request("http://www.example.com/", meta=dict(meta)))
        assert proxy.requests[0].startswith(b"GET http://www.example.com/ HTTP/1.1\r\n")
        for url in (
            "http://10.0.0.1/",
            "https://169.254.169.254/",
            "http://[::1]/",
            "http://0x7f.1/",
        ):
            with pytest.raises(AddressRefused):
                await handler.download_request(Request(url, meta=dict(meta)))
        assert proxy.connections == 1


@run
async def test_a_name_with_only_private_addresses_is_refused_and_one_without_any_does_not_resolve():
    async with handling(ALLOW_LOOPBACK=False) as handler:
        with pytest.raises(CannotResolveHostError):
            await handler.download_request(Request("http://no-such-host.invalid/"))


@run
async def test_loopback_over_ipv6_and_a_mapped_port():
    async with serving(answering(OK), host="::1") as server:
        async with handling() as handler:
            await handler.download_request(Request(f"http://[::1]:{server.port}/"))
            assert handler.kept[0].ip_address == "::1"
            assert b"Host: [::1]:%d\r\n" % server.port in server.requests[0]
        async with handling(RESOLVER_MAP={"a.example:80": f"[::1]:{server.port}"}) as handler:
            await handler.download_request(Request("http://a.example/"))
            assert server.requests[1].startswith(b"GET / HTTP/1.1\r\nHost: a.example\r\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "b.example"])
def test_where_there_is_a_map_only_its_names_lead_to_loopback(host, monkeypatch):
    @run
    async def fetch():
        async with serving(answering(OK)) as server, serving(answering(OK)) as canary:
            async with handling(
                RESOLVER_MAP={"a.example:80": f"127.0.0.1:{server.port}"},
                ALLOWED_PORTS=[canary.port],
            ) as handler:
                await handler.download_request(Request("http://a.example/"))
                answers(monkeypatch, ["127.0.0.1"])
                with pytest.raises(AddressRefused):
                    await handler.download_request(Request(f"http://{host}:{canary.port}/"))
            assert (len(server.requests), canary.connections) == (1, 0)

    fetch()


@pytest.mark.parametrize(
    "settings",
    [
        {"RESOLVER_MAP": {"a.example": "127.0.0.1:1"}},
        {"RESOLVER_MAP": {"a.example": "8.8.8.8:80"}, "ALLOW_LOOPBACK": True},
    ],
    ids=["not allowed", "not loopback"],
)
def test_a_resolver_map_that_leads_elsewhere_is_refused_at_start(settings):
    with pytest.raises(ValueError, match="RESOLVER_MAP"):
        Resolver(Settings(settings))


@pytest.mark.parametrize("port", [22, 25, 6379, 8080, 65535])
def test_a_port_of_no_web_server_is_refused_without_a_look_up(port, monkeypatch):
    calls = answers(monkeypatch, ["8.8.8.8"])

    @run
    async def resolve():
        for ports, allowed in (({}, ()), ({"ALLOWED_PORTS": "80,443"}, (8443,))):
            with pytest.raises(AddressRefused, match="is none of ALLOWED_PORTS"):
                await Resolver(Settings(ports), allowed).resolve("a", port)
        assert calls == []
        await Resolver(Settings(), [port]).resolve("a", port)
        await Resolver(Settings({"ALLOWED_PORTS": f"80,{port}"})).resolve("a", port)

    resolve()


@pytest.mark.parametrize("ports", ["80,x", "0", "65536", "-1", "80;443"])
def test_ports_that_are_none_are_refused_at_start(ports):
    with pytest.raises(ValueError, match="ALLOWED_PORTS may contain only port numbers"):
        Resolver(Settings({"ALLOWED_PORTS": ports}))


def test_addresses_are_looked_up_again_only_when_the_cache_is_full(monkeypatch):
    calls = answers(monkeypatch, ["8.8.8.8"])

    @run
    async def resolve():
        resolver = Resolver(Settings({"DNSCACHE_SIZE": 2}))
        for host in ("a", "b", "a", "b", "c", "b", "a"):
            assert await resolver.resolve(host, 80) == [("8.8.8.8", 80)]
        assert calls == ["a", "b", "c", "a"]

    resolve()
