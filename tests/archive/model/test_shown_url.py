"""No password of an address is shown, whatever is wrong with the address."""

from __future__ import annotations

import pytest

from archive.model.shown_url import shown_url

_BEGIN = "postgresql+psycopg://"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"{_BEGIN}me:SECRET@host:1/news", f"{_BEGIN}me:***@host:1/news"),
        (f"{_BEGIN}me:SEC@RET/x?y#z@host/news", f"{_BEGIN}me:***@host/news"),
        (f"{_BEGIN}a/b:SECRET@host/news", f"{_BEGIN}a/b:***@host/news"),
        (f"{_BEGIN}me:SECRET@[::1/news", f"{_BEGIN}me:***@[::1/news"),
        (f"{_BEGIN}me:SECRET/news", f"{_BEGIN}me:***/news"),
        ("postgresql+psycopg:/me:SECRET@host/news", "postgresql+psycopg:***@host/news"),
        ("postgresql//me:SECRET@host/news", "postgresql//me:***@host/news"),
        ("postgresql:me:SECRET@host/news", "postgresql:***@host/news"),
        ("s3://KEY:SECRET@news/a", "s3://KEY:***@news/a"),
        ("host=a Password = SECRET", "host=a Password = ***"),
        (f"{_BEGIN}h/n?user=a&password=SECRET", f"{_BEGIN}h/n?user=a&password=***"),
        (f"{_BEGIN}h/n?pass%77ord=SECRET&port=1", f"{_BEGIN}h/n?pass%77ord=***&port=1"),
        (f"{_BEGIN}h/n?host=a;sslpassword=SECRET", f"{_BEGIN}h/n?host=a;sslpassword=***"),
        (f"{_BEGIN}h/n?options=-c%20a.b%3DSECRET", f"{_BEGIN}h/n?options=***"),
        (f"{_BEGIN}h/n?options=-csearch_path%3Da+-c+b%3DSECRET", f"{_BEGIN}h/n?options=***"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////srv/a:b@c/index.sqlite3",
        "sqlite:/index.sqlite3",
        "var/index.sqlite3",
        f"{_BEGIN}me@host:5432/news",
        f"{_BEGIN}[::1]:5432/news",
        f"{_BEGIN}me@/news?host=/run/postgresql&port=5433",
        f"{_BEGIN}me@host/news?options=-csearch_path%3Dpapers",
    ],
)
def test_what_holds_no_password_is_shown_whole(url: str) -> None:
    assert shown_url(url) == url
