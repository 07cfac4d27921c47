"""TimeGate, TimeMaps and mementos as RFC 7089 has them, asked over the wire."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from crawler.web.playback import memento as memento_module
from tests.support.processes.cli import Workspace
from tests.support.readers.playback_site import capture, keep, playback
from tests.support.sites.web_servers import ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.sites.web_servers import Answer

URL = "https://www.etoday.co.kr/news/view/1234567"
MOVED = "http://www.etoday.co.kr/news/view/1234567"
OTHER = "https://www.etoday.co.kr/search?q=%ED%91%B8%ED%8B%B4&p=1"
ONCE = "https://www.etoday.co.kr/imported"
#: Five captures, a day apart; the first is a redirect from http in the same second as the second.
DAYS = [datetime(2024, 5, day, 1, 0, tzinfo=UTC) for day in (7, 8, 9, 10)]
LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[a-z]+="[^"]*")*)')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    workspace = Workspace(tmp_path_factory.mktemp("memento"))
    pages = [capture(URL, f"<p>{day:%d}일 판</p>", at=day) for day in DAYS]
    moved = capture(MOVED, "", "", f"Location: {URL}", at=DAYS[0], status="301 Moved Permanently")
    once = capture(ONCE, "<p>x", at=DAYS[0], time_known=False)
    keep(workspace, [moved, *pages, capture(OTHER, "<p>찾기", at=DAYS[1]), once])
    with playback(workspace) as url:
        yield url


def links(text: str) -> list[tuple[str, dict[str, str]]]:
    """The links of a field or of a TimeMap, with their attributes."""
    found = []
    for address, attributes in LINK.findall(text):
        found.append((address, dict(re.findall(r'([a-z]+)="([^"]*)"', attributes))))
    return found


def by_rel(text: str) -> dict[str, str]:
    """The address of each relation that a link states."""
    return {rel: address for address, stated in links(text) for rel in stated["rel"].split()}


def gate(server: str, url: str, moment: datetime | None) -> Answer:
    fields = () if moment is None else (f"Accept-Datetime: {format_datetime(moment, usegmt=True)}",)
    return ask(server, f"/timegate/{url}", *fields)


def path(day: datetime, url: str = URL, modifier: str = "") -> str:
    return f"/web/{day:%Y%m%d%H%M%S}{modifier}/{url}"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (None, DAYS[3]),
        (DAYS[1], DAYS[1]),
        (DAYS[1] + timedelta(hours=11), DAYS[1]),
        (DAYS[1] + timedelta(hours=12), DAYS[1]),
        (DAYS[1] + timedelta(hours=13), DAYS[2]),
        (datetime(1999, 1, 1, tzinfo=UTC), DAYS[0]),
        (datetime(2099, 1, 1, tzinfo=UTC), DAYS[3]),
    ],
)
def test_the_timegate_leads_to_the_nearest_memento(
    server: str, moment: datetime | None, expected: datetime
) -> None:
    answer = gate(server, URL, moment)
    assert answer.status == 302
    assert answer.get("location") == server + path(expected)
    assert "accept-datetime" in answer.get("vary").lower()
    assert answer.get("memento-datetime") == "", "a TimeGate is no memento (section 4.1.1)"
    rels = by_rel(answer.get("link"))
    assert rels["original"] == URL
    assert rels["timemap"] == f"{server}/timemap/link/{URL}"
    assert {"first", "last", "memento"} <= rels.keys()


def test_any_form_of_the_address_will_do(server: str) -> None:
    for written in (
        "http://etoday.co.kr/news/view/1234567",
        "https:/www.etoday.co.kr/news/view/1234567",
        "HTTPS://WWW.ETODAY.CO.KR:443/news/view/1234567",
        "www.etoday.co.kr/news/view/1234567",
        "https://www.etoday.co.kr/news/view/1234567?",
        "https://www.etoday.co.kr/news/view/1234567#top",
    ):
        assert gate(server, written, DAYS[2]).get("location") == server + path(DAYS[2]), written
    for written in (OTHER, OTHER.replace("%ED", "%ed").replace("%8B", "%8b")):
        assert gate(server, written, None).get("location") == server + path(DAYS[1], OTHER)


@pytest.mark.parametrize(
    "stated",
    [
        "2024-05-07T01:00:00Z",
        "Tue, 07 May 2024 01:00:00 +0900",
        "Tue, 07 May 2024 25:00:00 GMT",
        "Tue, 99 May 2024 01:00:00 GMT",
        "tomorrow",
        "",
    ],
)
def test_a_time_that_is_none_is_a_bad_request(server: str, stated: str) -> None:
    answer = ask(server, f"/timegate/{URL}", f"Accept-Datetime: {stated}")
    assert answer.status == 400
    assert "Tue, 07 May 2024 01:00:00 GMT" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("modifier", ["", "id_"])
def test_a_memento_states_its_time_and_its_neighbours(server: str, modifier: str) -> None:
    answer = ask(server, path(DAYS[2], modifier=modifier))
    assert answer.status == 200
    assert answer.get("memento-datetime") == "Thu, 09 May 2024 01:00:00 GMT"
    rels = by_rel(answer.get("link"))
    assert rels["original"] == URL
    assert rels["timegate"] == f"{server}/timegate/{URL}"
    assert rels["timemap"] == f"{server}/timemap/link/{URL}"
    assert rels["prev"] == server + path(DAYS[1])
    assert rels["next"] == rels["last"] == server + path(DAYS[3])
    for _, stated in links(answer.get("link")):
        if "memento" in stated["rel"].split():
            assert stated["datetime"].endswith(" GMT")


def test_the_forms_for_a_page_are_mementos_too(server: str) -> None:
    answer = ask(server, path(DAYS[2], modifier="mp_"))
    assert answer.get("memento-datetime") == "Thu, 09 May 2024 01:00:00 GMT"
    assert by_rel(answer.get("link"))["original"] == URL


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (f"/web/2024/{URL}", path(DAYS[0])),
        (f"/web/20240509/{URL}", path(DAYS[2])),
        (f"/web/20240509020000/{URL}", path(DAYS[2])),
        (f"/web/20240509020000id_/{URL}", path(DAYS[2], modifier="id_")),
        (f"/web/20240510010000/{URL.replace('https', 'http')}", path(DAYS[3])),
        (f"/web/99999999999999/{URL}", path(DAYS[3])),
        (f"/web/0/{URL}", path(DAYS[0])),
        (f"/web/20240231996199/{URL}", path(DAYS[0])),
    ],
)
def test_a_stamp_that_is_not_exact_leads_to_the_nearest(
    server: str, asked: str, expected: str
) -> None:
    answer = ask(server, asked)
    # The redirect from http is of the first second, too.
    own = {expected, expected.replace("https", "http")}
    assert answer.status == 302
    assert answer.get("location") in own


def test_a_redirect_is_shown_as_what_it_was(server: str) -> None:
    answer = ask(server, path(DAYS[0], MOVED))
    assert answer.status == 200
    assert answer.get("location") == ""
    assert f'href="{path(DAYS[0])}"' in answer.text
    assert "HTTP 301" in answer.text
    raw = ask(server, path(DAYS[0], MOVED, "id_"))
    assert raw.status == 301
    assert raw.get("location") == path(DAYS[0], URL, "id_"), "within the archive"
    framed = ask(server, path(DAYS[0], MOVED, "mp_"))
    assert (framed.status, framed.get("location")) == (302, path(DAYS[0], MOVED))


def test_the_timemap_lists_all_mementos(server: str) -> None:
    answer = ask(server, f"/timemap/link/{URL}")
    assert answer.get("content-type") == "application/link-format"
    found = links(answer.text)
    assert answer.text.count(",\n") == len(found) - 1
    assert found[0] == (URL, {"rel": "original"})
    address, own = found[1]
    assert (address, own["rel"]) == (f"{server}/timemap/link/{URL}", "self")
    assert own["type"] == "application/link-format"
    assert own["from"] == "Tue, 07 May 2024 01:00:00 GMT"
    assert own["until"] == "Fri, 10 May 2024 01:00:00 GMT"
    assert found[2] == (f"{server}/timegate/{URL}", {"rel": "timegate"})
    mementos = found[3:]
    assert [stated["rel"] for _, stated in mementos] == [
        "first memento",
        *["memento"] * 3,
        "last memento",
    ]
    for address, stated in mementos:
        shown = ask(server, address.removeprefix(server))
        assert shown.get("memento-datetime") == stated["datetime"]


def test_the_timemap_in_json_says_the_same(server: str) -> None:
    value = json.loads(ask(server, f"/timemap/json/{URL}").text)
    listed = [one["uri"] for one in value["mementos"]["list"]]
    text = ask(server, f"/timemap/link/{URL}").text
    assert listed == [address for address, stated in links(text) if "memento" in stated["rel"]]
    assert value["original_uri"] == URL
    assert value["mementos"]["first"]["uri"] == listed[0]
    assert value["mementos"]["last"]["datetime"] == "2024-05-10T01:00:00Z"


def test_a_long_timemap_has_pages(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memento_module, "PAGE", 2)
    seen: list[str] = []
    address: str | None = f"{server}/timemap/link/{URL}"
    pages = 0
    while address:
        found = links(ask(server, address.removeprefix(server)).text)
        seen += [one for one, stated in found if "memento" in stated["rel"].split()]
        others = [one for one, stated in found if stated["rel"] == "timemap"]
        pages += 1
        address = next((one for one in others if f"/{pages + 1}/" in one), None)
    assert pages == 3
    assert len(seen) == len(set(seen)) == 5
    value = json.loads(ask(server, f"/timemap/json/2/{URL}").text)
    assert value["pages"] == {
        "prev": f"{server}/timemap/json/{URL}",
        "next": f"{server}/timemap/json/3/{URL}",
    }
    assert ask(server, f"/timemap/link/4/{URL}").status == 404


def test_what_is_not_archived_is_said(server: str) -> None:
    nowhere = "https://www.etoday.co.kr/nowhere"
    for asked in ("timegate/", "timemap/link/", "timemap/json/", "web/2024/", "web/*/", "web/"):
        answer = ask(server, f"/{asked}{nowhere}")
        if asked == "web/":
            assert answer.get("location").endswith(nowhere)
            continue
        assert answer.status == 404, asked
        assert nowhere in answer.text
        assert f'href="{nowhere}' not in answer.text
    for asked in ("timegate/", "timemap/other/x.kr", "web/", "web/20240507/", "timemap/link/:"):
        assert ask(server, f"/{asked}").status == 404, asked


def test_a_capture_of_unknown_time_is_shown_and_is_no_memento(server: str) -> None:
    answer = ask(server, path(DAYS[0], ONCE), "Accept-Language: en")
    assert answer.status == 200
    assert "time of capture unknown" in answer.text
    assert answer.get("memento-datetime") == answer.get("link") == ""
    assert gate(server, ONCE, DAYS[0]).status == 404
    assert ask(server, f"/timemap/link/{ONCE}").status == 404
    assert ask(server, f"/web/*/{ONCE}").status == 200


def test_only_reading_is_answered(server: str) -> None:
    for asked in (path(DAYS[0]), f"/timegate/{URL}", f"/timemap/link/{URL}"):
        assert ask(server, asked, "Content-Length: 0", method="POST").status == 405
        head, get = ask(server, asked, method="HEAD"), ask(server, asked)
        assert (head.status, head.body) == (get.status, b"")
        varying = {"date", "content-length"}
        assert [one for one in head.fields if one[0] not in varying] == [
            one for one in get.fields if one[0] not in varying
        ]
