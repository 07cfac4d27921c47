"""A live crawl names somebody to write to, and what is named arrives in the header as it is."""

from __future__ import annotations

import pytest
from scrapy.settings import Settings

from crawler import VERSION
from crawler.middlewares.identity import ContactError, agent, check_contact

WWW = "www.example.com"
GOOD = [
    "archive@sacho.example",
    "first.last+crawl@news.archive.ac.kr",
    "o'neil@archive.example",
    "https://archive.example/about?who=us#crawler",
    "http://xn--3e0b707e.example:8080",
    "HTTPS://Archive.Example/",
]
BAD = [
    "us",
    "us@localhost",
    "us@host..example",
    ".us@archive.example",
    "us@@archive.example",
    "us@archive.example, them@archive.example",
    "ftp://archive.example/",
    "https://",
    "https://localhost/",
    "https://name:secret@archive.example/",
    "https://archive.example/ about",
    "https://archive.example/(about)",
    "https://archive.example:port/",
    "기록@archive.example",
    "https://기록.example/",
    "us@archive.example\r\nX-Evil: 1",
    "us@archive.example\n",
    "us@archive.example\x00",
    " us@archive.example",
]


@pytest.mark.parametrize("contact", GOOD)
def test_the_user_agent_contains_the_contact(contact):
    assert agent(contact, "0.1.0") == f"Sacho/0.1.0 (+{contact})"
    assert check_contact(Settings({"CONTACT": contact})) == f"Sacho/{VERSION} (+{contact})"


@pytest.mark.parametrize("contact", BAD)
def test_what_is_no_contact_is_refused_with_a_sentence_even_where_none_is_needed(contact):
    with pytest.raises(
        ContactError, match=r"CONTACT .* Set CONTACT to an e-mail address or web page"
    ):
        agent(contact, "0.1.0")
    with pytest.raises(ContactError):
        check_contact(
            Settings(
                {"CONTACT": contact, "ALLOW_LOOPBACK": True, "RESOLVER_MAP": {"a": "127.0.0.1:1"}}
            ),
            ["a"],
        )


@pytest.mark.parametrize("version", ["", "1 2", "1\r\nX: y", "1)"])
def test_a_version_is_no_way_into_the_header_either(version):
    with pytest.raises(ContactError):
        agent("us@archive.example", version)


@pytest.mark.parametrize("contact", ["", None])
@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        ({}, ["www.example.com"]),
        ({}, []),
        ({"ALLOW_LOOPBACK": True}, []),
        ({"ALLOW_LOOPBACK": True}, ["www.example.com"]),
        ({"ALLOW_LOOPBACK": True, "RESOLVER_MAP": {WWW: "127.0.0.1:1"}}, [WWW, "m.example.com"]),
        ({"ALLOW_LOOPBACK": True, "RESOLVER_MAP": {f"{WWW}:80": "127.0.0.1:1"}}, [WWW]),
        ({"RESOLVER_MAP": {WWW: "127.0.0.1:1"}}, [WWW]),
        ({}, ["127.0.0.1"]),
        ({"ALLOW_LOOPBACK": True}, ["::ffff:127.0.0.1"]),
    ],
)
def test_a_crawl_that_may_reach_a_real_host_needs_one(settings, hosts, contact):
    with pytest.raises(ContactError, match=r"needs a CONTACT\. Set CONTACT"):
        check_contact(Settings({**settings, "CONTACT": contact}), hosts)


@pytest.mark.parametrize(
    "hosts", [["www.example.com", "M.example.com"], ["127.0.0.1"], ["[::1]", "localhost"]]
)
def test_a_crawl_of_loopback_alone_needs_none(hosts):
    mapped = {"www.example.com": "127.0.0.1:1", "m.example.com": "[::1]:2"}
    assert (
        check_contact(Settings({"ALLOW_LOOPBACK": True, "RESOLVER_MAP": mapped}), hosts)
        == f"Sacho/{VERSION}"
    )


def test_the_sentence_names_the_hosts():
    with pytest.raises(
        ContactError, match=r"A live crawl \(a.example, b.example, c.example …\) needs"
    ):
        check_contact(Settings(), ["d.example", "c.example", "b.example", "a.example"])
