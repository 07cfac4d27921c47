"""What strangers write is printed as text, whatever a terminal would make of it."""

from __future__ import annotations

import io
import json
import logging
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import pytest

from crawler.cli.output.printable import (
    SafeStream,
    json_text,
    make_output_safe,
    print_json_list,
    printable,
    printable_lines,
    raw_stream,
)
from crawler.cli.output.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

UNSAFE = (
    "\x1b]0;owned\x07",
    "\x1b[2J",
    "\x9b2J",
    "\x00",
    "\x08",
    "\r",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u2069",
    "\u200e",
    "\u061c",
    "\U000e0041",
    "\ud800",
    "\u2028",
    "\ufeff",
)
HARMLESS = "사초 「史草」 a\u3000b\u00a0c 👩\u200d💻 é"


@contextmanager
def safe_output() -> Iterator[io.StringIO]:
    """Give what is printed, made safe."""
    factory = logging.getLogRecordFactory()
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()):
        make_output_safe()
        yield out
    logging.setLogRecordFactory(factory)


@pytest.mark.parametrize("text", UNSAFE)
def test_a_sequence_is_not_obeyed(text: str) -> None:
    with safe_output() as out:
        print(f"a{text}b")
        print_table(("headline",), [(f"a{text}b",)])
    assert out.getvalue().count("a\N{REPLACEMENT CHARACTER}") == 2
    assert not set(out.getvalue()) & set("\x1b\x9b\x00\x08\r\x7f\x07")
    assert text not in out.getvalue()
    assert text not in printable(text)
    assert text not in printable_lines(text)
    assert json.loads(json_text({text: text})) == {text: text}
    assert all(sign.isprintable() or sign == "\n" for sign in json_text({text: text}))


def test_text_of_every_script_stays_as_it_is() -> None:
    with safe_output() as out:
        print(HARMLESS)
    assert out.getvalue() == HARMLESS + "\n"
    assert printable(f"{HARMLESS}\n{HARMLESS}\t") == f"{HARMLESS} {HARMLESS} "
    assert json_text(HARMLESS) == json.dumps(HARMLESS, ensure_ascii=False)


def test_a_log_holds_no_sequence_either() -> None:
    log, out = logging.Logger("made"), io.StringIO()
    log.addHandler(logging.StreamHandler(out))
    with safe_output():
        try:
            raise ValueError("\x1b[31mred")
        except ValueError:
            log.exception("of %s", "\x1b]0;x\x07")
    assert "\x1b" not in out.getvalue()
    assert "ValueError" in out.getvalue()


def test_output_is_made_safe_once() -> None:
    with safe_output() as out:
        make_output_safe()
        assert isinstance(sys.stdout, SafeStream)
        assert sys.stdout.raw is out
        assert raw_stream(sys.stdout) is out
        assert raw_stream(out) is out


@pytest.mark.parametrize(
    "items", [[], [{"a": "가\n\x1b나"}], [{}, 1, ["x", {"y": [2]}], "쿠\u202e키"]]
)
def test_a_list_printed_item_by_item_is_the_object_printed_at_once(
    capsys: pytest.CaptureFixture[str], items: list[object]
) -> None:
    head = {"number": 7, "left_out": [0]}
    assert print_json_list(head, "articles", iter(items)) == len(items)
    assert capsys.readouterr().out == json_text({**head, "articles": items}) + "\n"
