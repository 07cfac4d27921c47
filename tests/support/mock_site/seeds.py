"""Write the seed pages: ``python -m tests.support.mock_site.seeds``. Running it again changes nothing.

The expected articles beside them are ``python -m tests.regold``'s; they stay.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.support.mock_site import etoday, newspim
from tests.support.mock_site.own import etoday_own, newspim_own
from tests.support.mock_site.story import SEEDS, etoday_seed, newspim_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.mock_site.story import Story

SEED_TEXT = "the text of the project's seed"
OWN_TEXT = "text of our own"
#: Up to 콘텐츠로 the outlet's own notice, which says that the reporter did not write these words.
TRANSLATED = (
    "이 기사는 인공지능(AI) 번역으로 생산된 콘텐츠로, 원문은 별섬 우체국 누리집에서 볼 수 있다."
)
#: When each page claims to have been captured: within its layout's years, and after publication.
CAPTURED = {
    ("etoday", "desktop-2020"): "2024-05-07T06:00:00+00:00",
    ("etoday", "mobile"): "2024-05-07T06:00:10+00:00",
    ("etoday", "desktop-2019"): "2019-11-20T03:00:00+00:00",
    ("etoday", "desktop-2017"): "2018-03-05T03:00:00+00:00",
    ("newspim", "desktop-2026"): "2026-10-12T06:00:00+00:00",
    ("newspim", "desktop-2021"): "2024-11-05T06:00:00+00:00",
    ("newspim", "desktop-2018"): "2020-04-25T06:00:00+00:00",
}
HEAD = (
    "HTTP/1.1 200 OK\r\nDate: {date}\r\nServer: Apache\r\nCache-Control: no-cache\r\n"
    "Vary: Accept-Encoding\r\n"
    "Content-Length: {length}\r\nKeep-Alive: timeout=5, max=100\r\nConnection: Keep-Alive\r\n"
    "Content-Type: text/html; charset=utf-8\r\n\r\n"
)


def files() -> dict[str, bytes]:
    """Give every file the command writes: its name under ``seeds/``, and its bytes."""
    written: dict[str, bytes] = {}
    for name, page, facts in [*_etoday(), *_newspim()]:
        written[name] = page
        stem = name.rpartition(".")[0]
        text = json.dumps(
            facts | _golden(f"{stem}.json"), ensure_ascii=False, indent=2, sort_keys=True
        )
        written[f"{stem}.json"] = f"{text}\n".encode()
    return written


def _golden(name: str) -> dict[str, Any]:
    """The expected article that stands in a sidecar already."""
    path = SEEDS / name
    facts = json.loads(path.read_bytes()) if path.exists() else {}
    return {"article": facts["article"]} if "article" in facts else {}


def _etoday() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    seed, own = etoday_seed(), etoday_own()
    for layout in ("desktop-2020", "mobile"):
        page = etoday.render(seed, layout, SEED_TEXT).encode()
        yield f"etoday/seed-{layout}.html", page, _facts("etoday", seed, layout, SEED_TEXT)
    for layout in etoday.LAYOUTS:
        page = etoday.render(own, layout, OWN_TEXT).encode()
        yield f"etoday/own-{layout}.html", page, _facts("etoday", own, layout, OWN_TEXT)
    page = etoday.render(own, "desktop-2020", OWN_TEXT).encode()
    facts = _facts("etoday", own, "desktop-2020", OWN_TEXT) | {
        "captured_at": "2024-05-08T06:00:00+00:00"
    }
    yield (
        "etoday/own-desktop-2020-http.html",
        _with_head(page, "Wed, 08 May 2024 06:00:00 GMT"),
        facts,
    )
    yield (
        "etoday/own-text.txt",
        etoday.render_text(own).encode(),
        {"note": _note("Etoday", "text", OWN_TEXT)},
    )


def _newspim() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    seed, own = newspim_seed(), newspim_own()
    for layout in ("desktop-2021", "desktop-2026"):
        page = newspim.render(seed, layout, SEED_TEXT).encode()
        yield f"newspim/seed-{layout}.html", page, _facts("newspim", seed, layout, SEED_TEXT)
    for layout in newspim.LAYOUTS:
        page = newspim.render(own, layout, OWN_TEXT).encode()
        yield f"newspim/own-{layout}.html", page, _facts("newspim", own, layout, OWN_TEXT)
    page = newspim.render(own, "desktop-2021", OWN_TEXT).encode()
    facts = _facts("newspim", own, "desktop-2021", OWN_TEXT) | {
        "captured_at": "2024-11-06T06:00:00+00:00"
    }
    yield (
        "newspim/own-desktop-2021-http.html",
        _with_head(page, "Wed, 06 Nov 2024 06:00:00 GMT"),
        facts,
    )
    old = newspim.render(own, "desktop-2018", OWN_TEXT).replace(
        '<meta charset="utf-8">', '<meta charset="euc-kr">'
    )
    facts = _facts("newspim", own, "desktop-2018", OWN_TEXT) | {
        "captured_at": "2020-04-26T06:00:00+00:00"
    }
    facts["note"] += " Encoded in cp949, labelled euc-kr."
    yield "newspim/own-desktop-2018-euckr.html", old.encode("cp949"), facts
    translated = replace(own, article_id="20180302999903", paragraphs=(*own.paragraphs, TRANSLATED))
    facts = _facts("newspim", translated, "desktop-2026", OWN_TEXT)
    facts["note"] += (
        " The notice's beginning is known, its end and its place (a last paragraph of the body) are our choice."
    )
    page = newspim.render(translated, "desktop-2026", OWN_TEXT).encode()
    yield "newspim/translated-desktop-2026.html", page, facts
    yield (
        "newspim/own-text.txt",
        newspim.render_text(own).encode(),
        {"note": _note("Newspim", "text", OWN_TEXT)},
    )


def _facts(outlet: str, story: Story, layout: str, whose_text: str) -> dict[str, str]:
    address = (etoday if outlet == "etoday" else newspim).address(story, layout)
    note = _note(outlet.capitalize(), layout, whose_text)
    return {"captured_at": CAPTURED[outlet, layout], "note": note, "url": address}


def _note(outlet: str, layout: str, whose_text: str) -> str:
    return (
        f"Written by the Sacho project in the shape of {outlet}'s pages, layout {layout}, with {whose_text}. "
        "It is not a copy of any page; id, picture addresses and time of capture are made up."
    )


def _with_head(page: bytes, date: str) -> bytes:
    return HEAD.format(date=date, length=len(page)).encode() + page


def main() -> None:
    """Write the files, and say what changed."""
    changed = 0
    for name, data in files().items():
        path = SEEDS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
            changed += 1
    print(f"{len(files())} seed files, {changed} changed")


if __name__ == "__main__":
    main()
