"""No secret of a request is archived, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.http.redact import redact

SECRET = b"5ec1237"
LINE = b"GET /a?token=1 HTTP/1.1\r\n"
FIELDS = (
    b"Cookie: a=5ec1237",
    b"cookie:5ec1237",
    b"Cookie : 5ec1237",
    b"Cookie: a=b;\r\n 5ec1237=1",
    b"Cookie: a=b;\r\n\t5ec1237=1\r\n  5ec1237=2",
    b"Cookie:\r\n 5ec1237",
    b"Cookie: a=b;\r 5ec1237=1",
    b"Cookie: a=b\r5ec1237=1",
    b"Cookie: a=b;\r\n\x0b5ec1237=1",
    b"Cookie: a=\x00\x01b\x0b5ec1237",
    b"Coo\x00kie: 5ec1237",
    b"\x0bCookie\x7f: 5ec1237",
    b"X-A: b\rCookie: 5ec1237",
    b"Cookie2: 5ec1237",
    b"Set-Cookie: 5ec1237",
    b"Set-Cookie2: 5ec1237",
    b"Authorization: Basic 5ec1237",
    b"Proxy-Authorization: Basic 5ec1237",
    b"X-Api-Key: 5ec1237",
    b"X-APIKEY: 5ec1237",
    b"X-Auth-Token: 5ec1237",
    b"x-csrf-token: 5ec1237",
    b"X-Client-Secret: 5ec1237",
    b"X-Session-Id: 5ec1237",
    b"X-Password: 5ec1237",
)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_secret_is_replaced_and_nothing_else_is(field: bytes, end: bytes) -> None:
    request = (LINE + b"Host: a\r\n" + field + b"\r\nAccept: */*\r\n\r\nCookie: body").replace(
        b"\r\n", end
    )
    redacted = redact(request)
    assert SECRET not in redacted
    assert b" redacted" in redacted
    assert redacted.startswith(LINE.replace(b"\r\n", end) + b"Host: a" + end)
    assert redacted.endswith(end + b"Accept: */*" + end + end + b"Cookie: body")
    assert redact(redacted) == redacted


@pytest.mark.parametrize(
    "request_", [LINE + b"Host: a\r\nAccept: b\r\n c\r\n\r\n", b"", b"\r\n\r\n", b"Cookie: x"]
)
def test_a_request_without_secrets_stays(request_: bytes) -> None:
    assert redact(request_) == request_


@given(st.lists(st.sampled_from([b"Cookie", b":", b"\r", b"\n", b" ", b"\0", b"x"]), max_size=20))
def test_redacting_twice_changes_no_more(parts: list[bytes]) -> None:
    redacted = redact(b"".join(parts))
    assert redact(redacted) == redacted
