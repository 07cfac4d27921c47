"""Which group of a robots.txt is ours: by the product token, whatever stands behind it."""

from __future__ import annotations

from time import process_time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.robotstxt import ProtegoRobotParser

from crawler.middlewares.identity import NAME
from crawler.middlewares.robots_groups import MAX_RULES, UnreadableError, own_groups

URL = "https://www.example.com/a"


def allowed(text: str | bytes, url: str = URL) -> bool:
    body = text.encode() if isinstance(text, str) else text
    return ProtegoRobotParser(own_groups(body, NAME)[0], None).allowed(url, NAME)


@pytest.mark.parametrize("codec", ["utf-8", "cp949", "johab", "shift_jis"])
def test_a_path_is_compared_by_the_bytes_that_it_is_written_with(codec: str) -> None:
    path = "公開" if codec == "shift_jis" else "공개"
    text = f"User-agent: *\nDisallow: /\nAllow: /{path}\n".encode(codec)
    assert not allowed(text, URL)
    assert allowed(text, f"https://www.example.com/{quote(path.encode(codec))}")


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


LINES = st.sampled_from(
    (
        "User-agent: sacho",
        "User-agent: *",
        "User-agent: other",
        "Disallow: /a",
        "Disallow: /",
        "Allow: /a",
        "Disallow:",
        "Sitemap: https://www.example.com/s.xml",
        "Foo: bar",
        "no directive",
        "disallow /a",
        "# a comment",
        "",
    )
)


@given(st.lists(LINES, max_size=12))
def test_the_groups_of_others_change_nothing(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert allowed(text) is ProtegoRobotParser(text.encode(), None).allowed(URL, NAME)


@pytest.mark.parametrize("body", [b"\xff\xfeU\0s\0e\0r\0", bytes(range(256)) * 9, b"\0" * 100])
def test_what_is_no_text_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        own_groups(body, NAME)


def test_many_names_of_many_rules_are_read_in_little_time_and_memory() -> None:
    names = "".join(f"User-agent: bot{number}\n" for number in range(10_000))
    rules = "".join(f"Disallow: /*{number}\n" for number in range(20_000))
    body = f"User-agent: *\n{names}{rules}".encode()
    started = process_time()
    groups, whole = own_groups(body, NAME)
    parser = ProtegoRobotParser(groups, None)
    assert not parser.allowed("https://www.example.com/x9999", NAME)
    assert parser.allowed("https://www.example.com/x", NAME)
    assert process_time() - started < 2
    assert not whole
    assert groups.count(b"\n") == MAX_RULES


def test_repeated_rules_count_once() -> None:
    groups, whole = own_groups(b"User-agent: *\n" + b"Disallow: /a\n" * 20_000, NAME)
    assert whole
    assert groups == b"User-agent: *\nDisallow: /a"


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
