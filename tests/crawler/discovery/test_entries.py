"""Addresses as sources print them."""

from __future__ import annotations

import pytest

from crawler.discovery.entries import absolute_url


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("htTp://www.example.kr/A", "http://www.example.kr/A"),
        ("HTTPS://www.example.kr/A", "https://www.example.kr/A"),
        ("/A", "https://base.example.kr/A"),
        ("httpx://www.example.kr/", ""),
        ("HTTP:", ""),
        ("http://[", ""),
    ],
)
def test_a_scheme_is_in_lower_case(address: str, url: str) -> None:
    assert absolute_url("https://base.example.kr/list", address) == url
