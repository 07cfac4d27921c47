"""Sort keys of addresses: as the library ``surt`` makes them, and in no time whatever the address."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archive.warc.record_writer import safe_url
from archive.warc.wacz.surt import url_key

_HOSTS = (
    "www.etoday.co.kr",
    "WWW2.Newspim.com",
    "m.etoday.co.kr:80",
    "a.kr:8080",
    "a.kr:443",
    "한국.kr",
    "a..kr",
    "a.kr.",
    "user:pw@a.kr",
    "192.0.2.1",
)
_PARTS = (
    "/",
    "//",
    ".",
    "..",
    "a",
    "B",
    "%EA%B0%80",
    "%b0%a1",
    "%25EA",
    "news",
    "?",
    "&",
    "=",
    "id",
    "b=2",
    "A=1",
    "#x",
    "sid=0123456789ABCDEF0123456789abcdef",
    "가",
    "+",
    "%20",
    "%2F",
    "%3F",
    "~",
    "!",
    "'",
)


def addresses(number: int) -> list[str]:
    """Addresses of every sort, the same ones each time."""
    dice = random.Random(3)
    made = [
        "urn:sha256:ABC",
        "metadata://gnu.org/software/wget/warc/MANIFEST.txt",
        "http://a.kr",
        "http://a.kr/?a&b=",
    ]
    while len(made) < number:
        path = "".join(dice.choices(_PARTS, k=dice.randrange(8)))
        made.append(safe_url(f"{dice.choice(['http', 'https'])}://{dice.choice(_HOSTS)}/{path}"))
    return made


@pytest.mark.parametrize(
    ("url", "key"),
    [  # what surt 0.3.1 gives; bench.playback compares thousands
        ("https://www.etoday.co.kr/news/view/2284119", "kr,co,etoday)/news/view/2284119"),
        ("http://WWW2.Newspim.com:80/News/View/?b=2&A=1#x", "com,newspim)/news/view?a=1&b=2"),
        ("https://m.etoday.co.kr:8443/a/../b//c/./", "kr,co,etoday,m:8443)/b/c"),
        ("http://a.kr", "kr,a)/"),
        ("http://a.kr/%ED%91%B8%ED%8B%B4?q=%b0%a1", "kr,a)/%ed%91%b8%ed%8b%b4?q=%b0%a1"),
        ("http://%ED%95%9C%EA%B5%AD.kr/", "kr,xn--3e0b707e)/"),
        ("http://a.kr/?sid=0123456789abcdef0123456789abcdef&a=1", "kr,a)/?a=1"),
        ("http://a.kr/%252561", "kr,a)/a"),
        ("urn:sha256:ABC", "urn:sha256:abc"),
    ],
)
def test_a_key_is_that_of_surt(url: str, key: str) -> None:
    assert url_key(url) == key


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
@example("", "", " ")
@example("http://", ":한", "")
@example("http://a.kr:80\udc80", "/", "")
@example("\x00", "", "")
def test_a_key_is_one_printable_word_whatever_it_is_made_of(a: str, b: str, c: str) -> None:
    for text in (a + b + c, f"http://{a}:{b}/{c}"):
        key = url_key(text)
        assert key.isascii()
        assert key.isprintable()
        assert " " not in key


@given(st.text(min_size=1, max_size=60))
def test_a_key_is_one_printable_word(text: str) -> None:
    key = url_key(safe_url("http://a.kr/" + text))
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key


def test_no_address_takes_long() -> None:
    began = time.process_time()
    for url in (
        "http://a.kr/%" + "25" * 100_000,
        "http://a.kr/?" + "cfid=" * 50_000,
        "http://a.kr/" + "../" * 80_000,
    ):
        url_key(url)
    assert time.process_time() - began < 2
