"""The header of a record, read in one pass, against its grammar written out."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from archive.warc.record_header import parse_header, without_brackets

NAMES = st.sampled_from(["WARC-Type", "warc-type", "X", "Content-Length ", "WARC-Record-ID", ""])
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8)
PLAIN = st.builds("{}:{}".format, NAMES, VALUES)
LINES = st.one_of(
    PLAIN,
    VALUES,
    st.builds("{}{}".format, st.sampled_from([" ", "\t", " a:b"]), VALUES),
    st.sampled_from(["WARC-Target-URI: <http://a/>", "WARC-Refers-To: <urn:a>"]),
)


def defined(lines: list[str]) -> list[tuple[str, str]]:
    """Return the fields: a line that begins with a blank continues the one before it."""
    joined: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and joined:
            joined[-1] = f"{joined[-1].rstrip()} {line.strip()}".lstrip(" \t")
        else:
            joined.append(line)
    parts = [line.partition(":") for line in joined]
    return [(name.rstrip().lower(), value.strip()) for name, colon, value in parts if colon]


@given(st.lists(LINES, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_a_header_is_read_as_its_grammar_says(lines: list[str], end: str) -> None:
    lines = ["A: b", *lines]  # the first line is of the version alone
    header = end.join(["WARC/1.1", *lines, "", ""])
    fields = parse_header(header.encode())
    pairs = defined(lines)
    assert fields.pairs == pairs
    first = dict(reversed(pairs))
    assert set(fields) == set(first)
    for name, value in first.items():
        is_uri = name in ("warc-record-id", "warc-target-uri", "warc-refers-to")
        assert fields[name] == (without_brackets(value) if is_uri else value)
    again = pickle.loads(pickle.dumps(fields))
    assert (again, again.pairs, again.version) == (fields, pairs, "1.1")
