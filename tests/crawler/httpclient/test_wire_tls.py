"""Certificates are verified unless a setting says otherwise; failures have their own error."""

from __future__ import annotations

import ssl
from contextlib import AsyncExitStack

import pytest
from scrapy import Request
from scrapy.exceptions import DownloadFailedError
from scrapy.settings import Settings

from crawler.httpclient import CertificateError, TunnelError
from crawler.httpclient.tls import tls_context
from tests.support.fault_server.certificates import WRONG, authority
from tests.support.sites.raw_servers import (
    OUTLET,
    answering,
    handling,
    run,
    serving,
    tunnelling,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    made = authority(tmp_path_factory.mktemp("good"), [OUTLET])
    return made.ca_file, made.context


@pytest.fixture(scope="module")
def misnamed(tmp_path_factory):
    made = authority(tmp_path_factory.mktemp("misnamed"), [OUTLET], "wrong_host")
    return made.ca_file, made.context


def fetch(server_context, *, script=None, through_proxy=False, **settings):
    """Fetch the front page from a loopback server with the certificate; return server, handler."""
    seen = {}

    @run
    async def go():
        async with AsyncExitStack() as stack:
            server = seen["server"] = await stack.enter_async_context(
                serving(script or answering(OK), server_context)
            )
            meta = {}
            if through_proxy:
                proxy = await stack.enter_async_context(serving(tunnelling(server.port)))
                meta["proxy"] = f"http://127.0.0.1:{proxy.port}"
            mapped = {"RESOLVER_MAP": {OUTLET: f"127.0.0.1:{server.port}"}}
            handler = await stack.enter_async_context(handling(**mapped, **settings))
            seen["handler"] = handler
            try:
                seen["response"] = await handler.download_request(
                    Request(f"https://{OUTLET}/", meta=meta)
                )
            finally:
                await handler.close()

    try:
        go()
    except (CertificateError, DownloadFailedError) as error:
        seen["error"] = error
    return seen


@pytest.mark.parametrize("through_proxy", [False, True])
def test_an_unknown_issuer_is_refused(good, through_proxy):
    seen = fetch(good[1], through_proxy=through_proxy)
    assert isinstance(seen["error"], CertificateError)
    assert seen["handler"].crawler.stats.get_value("httpclient/refused/certificate") == 1
    assert seen["server"].requests == []
    assert seen["handler"].kept == []


@pytest.mark.parametrize("through_proxy", [False, True])
def test_another_hosts_certificate_is_refused(misnamed, monkeypatch, through_proxy):
    monkeypatch.setenv("SSL_CERT_FILE", str(misnamed[0]))
    assert isinstance(fetch(misnamed[1], through_proxy=through_proxy)["error"], CertificateError)


@pytest.mark.parametrize("wrong", WRONG)
def test_no_certificate_with_anything_wrong_is_taken(wrong, tmp_path, monkeypatch):
    made = authority(tmp_path, [OUTLET], wrong)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.ca_file))
    seen = fetch(made.context)
    assert isinstance(seen["error"], CertificateError)
    assert seen["server"].requests == []
    assert seen["handler"].kept == []


def test_the_host_is_named_to_the_server_and_its_certificate_to_the_spider(good, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(good[0]))
    named = []
    good[1].sni_callback = lambda _socket, name, _context: named.append(name)
    seen = fetch(good[1])
    good[1].sni_callback = None
    assert seen["response"].body == b"ok"
    assert (
        good[0]
        .with_name("leaf.pem")
        .read_bytes()
        .startswith(seen["response"].certificate.dumpPEM())
    )
    assert named == [OUTLET]


def test_certificates_are_verified_unless_a_setting_says_otherwise(misnamed):
    seen = fetch(misnamed[1], DOWNLOAD_VERIFY_CERTIFICATES=False)
    assert seen["response"].body == b"ok"
    assert isinstance(
        fetch(misnamed[1], DOWNLOAD_VERIFY_CERTIFICATES=True)["error"], CertificateError
    )


def test_a_server_without_tls_is_a_failed_download():
    async def plain(peer):
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    seen = fetch(None, script=plain)
    assert isinstance(seen["error"], DownloadFailedError)
    assert not isinstance(seen["error"], CertificateError)


def test_tls_versions_and_ciphers_are_the_settings(good, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(good[0]))
    good[1].maximum_version = ssl.TLSVersion.TLSv1_2
    assert isinstance(
        fetch(good[1], DOWNLOAD_TLS_MIN_VERSION="TLSv1.3")["error"], DownloadFailedError
    )
    assert fetch(good[1], DOWNLOAD_TLS_MAX_VERSION="TLSv1.2")["response"].body == b"ok"
    good[1].maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    context = tls_context(
        Settings({"DOWNLOADER_CLIENT_TLS_CIPHERS": "ECDHE-RSA-AES256-GCM-SHA384"})
    )
    assert "ECDHE-RSA-AES128-GCM-SHA256" not in [cipher["name"] for cipher in context.get_ciphers()]


@pytest.mark.parametrize(
    "setting", [{"DOWNLOAD_TLS_MIN_VERSION": "SSLv3"}, {"DOWNLOADER_CLIENT_TLS_CIPHERS": "none"}]
)
def test_tls_settings_that_mean_nothing_are_refused_at_start(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        tls_context(Settings(setting))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"junk\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\n\r\nmore",
    ],
    ids=["407", "junk", "nothing", "more"],
)
@run
async def test_a_tunnel_that_does_not_open_is_a_failed_download(answer):
    async with serving(answering(answer, then_close=True)) as proxy, handling() as handler:
        request = Request(f"https://{OUTLET}/", meta={"proxy": f"127.0.0.1:{proxy.port}"})
        with pytest.raises(TunnelError):
            await handler.download_request(request)
        assert proxy.requests == [
            b"CONNECT %b:443 HTTP/1.1\r\nHost: %b:443\r\n\r\n" % ((OUTLET.encode(),) * 2)
        ]
        assert handler.kept == []
