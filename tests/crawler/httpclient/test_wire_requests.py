"""Requests: invalid ones are refused, each has its own exchange, a failing sink fails it."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.exceptions import DownloadTimeoutError

from crawler.httpclient import RequestRefused
from tests.support.sites.raw_servers import OK, answering, handling, run, serving, to

REFUSED = {
    "scheme": {"url": "ftp://127.0.0.1/"},
    "file": {"url": "file:///etc/passwd"},
    "CR LF in URL": {"url": "http://127.0.0.1/\r\nX: y", "meta": {"verbatim_url": True}},
    "space in URL": {"url": "http://127.0.0.1/a b", "meta": {"verbatim_url": True}},
    "Hangul in URL": {"url": "http://127.0.0.1/뉴스", "meta": {"verbatim_url": True}},
    "CR LF in host": {"url": "http://a\r\nb/", "meta": {"verbatim_url": True}},
    "no host": {"url": "http:///a", "meta": {"verbatim_url": True}},
    "port": {"url": "http://127.0.0.1:99999/", "meta": {"verbatim_url": True}},
    "backslash": {"url": "http://8.8.8.8\\@127.0.0.1/", "meta": {"verbatim_url": True}},
    "empty label": {
        "url": "https://.a.example/",
        "meta": {"verbatim_url": True, "proxy": "http://127.0.0.1:1"},
    },
    "long label": {"url": f"https://{'a' * 64}.example/", "meta": {"verbatim_url": True}},
    "percent": {"url": "http://%31%32%37.0.0.1/", "meta": {"verbatim_url": True}},
    "zone": {"url": "http://[fe80::1%25lo]/", "meta": {"verbatim_url": True}},
    "header value": {"url": "http://127.0.0.1/", "headers": {"X": "a\r\nCookie: b"}},
    "header NUL": {"url": "http://127.0.0.1/", "headers": {"X": "a\0b"}},
    "header name": {"url": "http://127.0.0.1/", "headers": {"X: y\r\nZ": "a"}},
    "method": {"url": "http://127.0.0.1/", "method": "GET / HTTP/1.1\r\nX:"},
    "TLS proxy": {"url": "http://8.8.8.8/", "meta": {"proxy": "https://127.0.0.1:1"}},
    "proxy secret": {
        "url": "https://8.8.8.8/",
        "meta": {"proxy": "http://127.0.0.1:1"},
        "headers": {"Proxy-Authorization": "a\r\nX: y"},
    },
}


@pytest.mark.parametrize("case", REFUSED)
@run
async def test_requests_that_would_not_arrive_as_they_are_are_refused(case):
    async with handling() as handler:
        with pytest.raises(RequestRefused):
            await handler.download_request(Request(**REFUSED[case]))
        assert handler.crawler.stats.get_value("httpclient/refused/request_refused") == 1
        assert handler.crawler.stats.get_value("httpclient/connections") is None


@run
async def test_a_copied_request_does_not_keep_the_exchange_of_another():
    async with serving(answering(OK, b"", then_close=False)) as server, handling() as handler:
        first = to(server)
        await handler.download_request(first)
        assert "exchange" in first.meta
        second = first.replace(meta={**first.meta, "download_timeout": 0.2})
        with pytest.raises(DownloadTimeoutError):
            await handler.download_request(second)
        assert "exchange" not in second.meta


class BrokenSink:
    def store(self, *_):
        raise OSError(28, "no space left on device")


@run
async def test_what_cannot_be_kept_is_not_returned():
    async with serving(answering(OK)) as server, handling(EXCHANGE_SINK=BrokenSink) as handler:
        with pytest.raises(OSError, match="no space"):
            await handler.download_request(to(server))


@run
async def test_both_schemes_share_one_handler_and_no_sink_is_needed():
    async with serving(answering(OK)) as server, handling(EXCHANGE_SINK=None) as handler:
        assert type(handler).from_crawler(handler.crawler) is handler
        request = to(server)
        await handler.download_request(request)
        assert request.meta["exchange"].body == b"ok"
