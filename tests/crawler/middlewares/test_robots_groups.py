"""Which group of a robots.txt is ours: by the product token, whatever stands behind it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.robotstxt import ProtegoRobotParser

from crawler.middlewares.identity import NAME
from crawler.middlewares.robots_groups import name_groups

URL = "https://www.example.com/a"


def allowed(text: str | bytes, url: str = URL) -> bool:
    body = text.encode() if isinstance(text, str) else text
    return ProtegoRobotParser(name_groups(body, NAME), None).allowed(url, NAME)


@pytest.mark.parametrize(
    "name",
    [
        "Sacho",
        "sacho",
        "SACHO",
        "Sacho/0.1",
        "Sacho/0.1.0 (+desk@example.org)",
        "Sacho 0.1",
        "Sacho*",
        "Sacho # ours",
        "  Sacho/2",
    ],
)
def test_our_token_names_us_whatever_follows_it(name: str) -> None:
    assert not allowed(f"User-agent: *\nAllow: /\n\nUser-agent: {name}\nDisallow: /\n")
    assert allowed(f"User-agent: *\nDisallow: /\n\nUser-agent: {name}\nDisallow:\n")


@pytest.mark.parametrize(
    "name",
    ["Sa", "S", "SachoBot", "Sacho-News", "Sacho_x", "MySacho", "Googlebot", "Mozilla/5.0 (Sacho)"],
)
def test_another_token_does_not_name_us(name: str) -> None:
    assert allowed(f"User-agent: {name}\nDisallow: /\n")
    assert not allowed(f"User-agent: *\nDisallow: /\n\nUser-agent: {name}\nAllow: /\n")


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ("User-agent: Googlebot\nUser-agent: Sacho/1\nDisallow: /", False),
        (
            "User-agent: Sacho/1\nDisallow: /b\n\nUser-agent: x\n\nUser-agent: sacho\nDisallow: /a",
            False,
        ),
        ("User-agent: Sacho\nSitemap: https://www.example.com/s.xml\nDisallow: /a", False),
        ("User-agent: *\rDisallow: /a\r", False),
        ("\ufeffUser-agent: *\r\nDisallow: /a\r\n", False),
        ("User-agent: * # all\nDisallow: /a", False),
        ("user agent: *\nDisallow: /a", False),
        ("User-agent : Sacho/1\nDisallow: /a", False),
        ("User-agent:\nDisallow: /a", True),
        ("User-agent: *bot\nDisallow: /a", True),
        ("# User-agent: Sacho\nDisallow: /a", True),
        ("", True),
    ],
)
def test_groups(text: str, is_allowed: bool) -> None:
    assert allowed(text) is is_allowed


def test_a_file_in_another_charset_is_read() -> None:
    assert not allowed("# 우리 신문\nUser-agent: Sacho/0.1 # 사초\nDisallow: /a\n".encode("cp949"))


@given(st.binary(max_size=200))
def test_lines_that_name_no_crawler_stay(body: bytes) -> None:
    if b"agent" not in body.lower() and not body.startswith(b"\xef\xbb\xbf"):
        assert name_groups(body, NAME) == body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


@given(st.text(st.sampled_from("SachoXx/*-_ 1.#"), max_size=12))
def test_a_group_is_ours_if_and_only_if_its_token_is(value: str) -> None:
    stated = value.split("#")[0].strip()
    token = ""
    for character in stated:
        if not (character.isascii() and (character.isalpha() or character in "-_")):
            break
        token += character
    ours = token.lower() == "sacho" or stated == "*" or stated.startswith("* ")
    assert allowed(f"User-agent: {value}\nDisallow: /\n") is not ours
