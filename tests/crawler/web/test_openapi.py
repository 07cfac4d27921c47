"""The OpenAPI document: every address for programs is in it, and answers as it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from crawler.web.app import reading_room
from crawler.web.openapi import document
from crawler.web.room import Room

if TYPE_CHECKING:
    from httpx import Client

#: Endings of addresses that are for people.
_FOR_PEOPLE = re.compile(r"(/[^./]*|\})$")
#: A request for each path.
_ASKED: dict[str, tuple[str, dict[str, str]]] = {
    "/index.json": ("/index.json", {}),
    "/changes.json": ("/changes.json", {"limit": "2"}),
    "/outlets.json": ("/outlets.json", {}),
    "/runs.json": ("/runs.json", {}),
    "/outlets/{name}.json": ("/outlets/newspim.json", {}),
    "/search.json": ("/search.json", {"q": "푸틴", "limit": "1"}),
    "/articles/{outlet}/{article_id}.json": ("/articles/newspim/20230915999901.json", {}),
    "/articles/{outlet}/{article_id}/history.json": (
        "/articles/newspim/20230915999901/history.json",
        {},
    ),
}


def test_every_address_for_programs_is_described() -> None:
    app = reading_room(Room(index=None, archive=""))  # type: ignore[arg-type]  # no request is made
    paths = {re.sub(r":path\}", "}", getattr(route, "path", "")) for route in app.routes}
    for_programs = {path for path in paths if not _FOR_PEOPLE.search(path)} - {"/openapi.json"}
    assert for_programs == set(document()["paths"])


def _schema(path: str, status: str = "200") -> dict[str, Any]:
    answer = document()["paths"][path]["get"]["responses"][status]
    (content,) = answer["content"].values()
    return {**content["schema"], "components": document()["components"]}


def _asked(room: Client, path: str) -> tuple[str, dict[str, str]]:
    if path == "/runs/{run_id}.json":
        return f"/runs/{room.get('/runs.json').json()['runs'][0]['run']}.json", {}
    return _ASKED[path]


@pytest.mark.parametrize("path", [path for path in document()["paths"] if path.endswith(".json")])
def test_an_answer_is_as_described(room: Client, path: str) -> None:
    address, parameters = _asked(room, path)
    answer = room.get(address, params=parameters)
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), _schema(path))
    described = _schema(path)
    name = described["$ref"].rpartition("/")[2]
    assert set(answer.json()) <= set(document()["components"]["schemas"][name]["properties"])


def test_an_error_is_as_described(room: Client) -> None:
    for address, path, status in (
        ("/search.json?q=OR", "/search.json", "400"),
        ("/articles/newspim/1.json", "/articles/{outlet}/{article_id}.json", "404"),
    ):
        answer = room.get(address)
        assert str(answer.status_code) == status
        jsonschema.validate(answer.json(), _schema(path, status))


def test_it_is_served(room: Client) -> None:
    assert room.get("/openapi.json").json() == document()
