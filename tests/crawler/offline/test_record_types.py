"""Records of every type in other tools' files: each is taken, joined or passed over, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.warc.reader import Record, iterate
from tests.support.archives.foreign_archives import (
    HEAD,
    PAGE,
    REQUEST,
    URL,
    date,
    packed,
    rec,
    sha1,
    sha256,
)
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes.cli import CommandResult

AT = {"WARC_Target_URI": URL, "WARC_Date": date()}
ANSWER = {**AT, "Content_Type": "application/http; msgtype=response"}
ASKED = {**AT, "Content_Type": "application/http; msgtype=request"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def replayed(workspace: Workspace, *records: bytes) -> CommandResult:
    """What replay says of a file with these records; afterwards the own archive has no finding."""
    path = workspace.folder / "foreign.warc.gz"
    path.write_bytes(packed(*records))
    said = workspace.call("replay", path)
    assert "Traceback" not in said.err
    checked = workspace.call("verify")
    assert checked.code == 0, checked.out + checked.err
    return said


def kept(workspace: Workspace, kind: str) -> list[Record]:
    found = [each for path in workspace.archive.glob("*.warc.gz") for each in iterate(path)]
    return [each for each in found if isinstance(each, Record) and each.kind == kind]


def page(number: int | str, **fields: str) -> bytes:
    return rec("1.1", "response", number, HEAD + PAGE, **ANSWER | fields)


@pytest.mark.parametrize("named", ["by the response", "by the request", "by none"])
@pytest.mark.parametrize("order", ["q r", "r q", "r o q", "q o r", "r m q"])
def test_a_request_is_found_whichever_names_the_other(
    workspace: Workspace, named: str, order: str
) -> None:
    several = "<urn:uuid:m>\r\nWARC-Concurrent-To: <urn:uuid:q>\r\nWARC-Concurrent-To: <urn:uuid:z>"
    by_request = "<urn:uuid:z>\r\nWARC-Concurrent-To: <urn:uuid:r>"
    long = REQUEST.replace(b"Host:", b"X-Long: " + b"x" * 2**17 + b"\r\nHost:")
    other = {"WARC_Target_URI": "https://example.org/", "WARC_Date": date(9)}
    made = {
        "r": page("r", **({"WARC_Concurrent_To": several} if named == "by the response" else {})),
        "q": rec(
            "1.1",
            "request",
            "q",
            long,
            **ASKED | ({"WARC_Concurrent_To": by_request} if named == "by the request" else {}),
        ),
        "o": rec("1.1", "response", "o", b"HTTP/1.1 200 OK\r\n\r\nx", **ANSWER | other),
        "m": rec("1.1", "metadata", "m", b"a: b\r\n", **AT),
    }
    said = replayed(workspace, *(made[name] for name in order.split()))
    assert said.code == 0, said.err
    assert "request records: 1 joined to another record" in said.out
    (request,) = kept(workspace, "request")
    assert b"x" * 2**17 in request.block
    assert b"secret" not in request.block


@pytest.mark.parametrize("method", [b"PROPFIND", b"PURGE", b"CONNECT", b"X"])
def test_only_a_get_speaks_for_a_page(workspace: Workspace, method: bytes) -> None:
    asked = rec(
        "1.1",
        "request",
        "q",
        REQUEST.replace(b"GET", method, 1),
        **ASKED,
        WARC_Concurrent_To="<urn:uuid:r>",
    )
    said = replayed(workspace, page("r"), asked)
    assert (said.code, workspace.rows("captures")) == (0, [])
    assert "skipped/not_a_page" in said.out


def test_a_request_without_a_head_is_not_kept(workspace: Workspace) -> None:
    asked = rec("1.1", "request", "q", b"GET / HTTP/1.1\r\n", **ASKED)
    assert "request records: 1 passed over: no HTTP head" in replayed(workspace, page(1), asked).out
    assert kept(workspace, "request") == []


@pytest.mark.parametrize("media_type", ["message/http", "text/html", "x"])
def test_a_response_of_a_web_address_is_http(workspace: Workspace, media_type: str) -> None:
    assert replayed(workspace, page(1, Content_Type=media_type)).code == 0
    assert len(workspace.rows("articles")) == 1


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 0 OK", b"HTTP/1.1 000", b"HTTP/2 2000 OK", b"HTTP/1.1"]
)
def test_an_answer_of_no_valid_status_is_read_and_its_record_says_so(
    workspace: Workspace, line: bytes
) -> None:
    head = line + HEAD[HEAD.index(b"\r\n") :]
    assert replayed(workspace, rec("1.1", "response", 1, head + PAGE, **ANSWER)).code == 0
    assert [row["status"] for row in workspace.rows("captures")] == [None]
    assert len(workspace.rows("articles")) == 1
    (response,) = kept(workspace, "response")
    assert response.block.startswith(line) or response.exchange.head.startswith(line)
    assert response.fields["x-archive-http-status"] == "none"
    changed = workspace.call("reindex")
    assert changed.code == 0, changed.out + changed.err
    assert len(workspace.rows("articles")) == 1


def test_an_answer_that_is_not_http_is_kept_unread_and_its_record_says_so(
    workspace: Workspace,
) -> None:
    head = b"garbage" + HEAD[HEAD.index(b"\r\n") :]
    said = replayed(workspace, rec("1.1", "response", 1, head + PAGE, **ANSWER))
    assert "unparsed/bad_content" in said.out + said.err
    (response,) = kept(workspace, "response")
    assert response.fields["x-archive-http-status"] == "none"
    assert workspace.rows("articles") == []


def test_an_answer_of_a_valid_status_says_nothing_of_it(workspace: Workspace) -> None:
    head = b"http/1.0\t200" + HEAD[HEAD.index(b"\r\n") :]
    assert replayed(workspace, rec("1.1", "response", 1, head + PAGE, **ANSWER)).code == 0
    (response,) = kept(workspace, "response")
    assert "x-archive-http-status" not in response.fields


SIDE = {
    "conversion": (
        b"text",
        "text/plain",
        "conversion records: 1 passed over: made of other records",
    ),
    "metadata": (b"a: b", "text/plain", "metadata records: 1 passed over: about other records"),
    "screenshot": (b"x", "image/png", "screenshot records: 1 passed over: a type of another tool"),
    "request": (
        REQUEST,
        ASKED["Content_Type"],
        "request records: 1 passed over: what it belongs to",
    ),
    "response": (
        b"<html>x",
        ANSWER["Content_Type"],
        "response records: 1 passed over: no HTTP head",
    ),
}


@pytest.mark.parametrize("kind", sorted(SIDE))
def test_a_file_that_yields_nothing_says_so(workspace: Workspace, kind: str) -> None:
    block, media_type, line = SIDE[kind]
    said = replayed(workspace, rec("1.1", kind, 1, block, **AT | {"Content_Type": media_type}))
    assert said.code == 0, said.err
    assert line in said.out
    assert "skipped/not_a_page –: 1" in said.out
    assert workspace.rows("captures") == []


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("conversion", "CC-MAIN-1.warc.wet.gz", "it holds texts of pages (WET), not the pages"),
        ("metadata", "CC-MAIN-1.warc.wat.gz", "it holds metadata of pages (WAT), not the pages"),
        ("warcinfo", "info.warc.gz", "no page is in it"),
    ],
)
def test_what_common_crawl_made_of_pages_says_what_it_is(
    workspace: Workspace, kind: str, name: str, words: str
) -> None:
    folder = workspace.folder / "given"
    folder.mkdir()
    info = rec("1.0", "warcinfo", 0, b"software: IIPC\r\n", WARC_Date=date())
    made = rec("1.0", kind, 1, b"{}", **AT, Content_Type="text/plain")
    (folder / name).write_bytes(packed(info, *([made] if kind != "warcinfo" else [])))
    said = workspace.call("replay", folder)
    assert said.code == 0, said.err
    assert f"{folder / name}: {words}" in said.out


def test_a_dns_answer_is_counted_as_one(workspace: Workspace) -> None:
    dns = {"WARC_Target_URI": "dns:www.etoday.co.kr", "Content_Type": "text/dns"}
    said = replayed(workspace, rec("1.1", "response", 1, b"x", **AT | dns), page(2))
    assert "dns records: 1 passed over: no answer over HTTP" in said.out
    assert len(workspace.rows("articles")) == 1


def test_a_revisit_of_an_unknown_profile_claims_nothing(workspace: Workspace) -> None:
    again = rec(
        "1.1",
        "revisit",
        2,
        HEAD,
        **ANSWER | {"WARC_Date": date(2)},
        WARC_Profile="http://example.org/similar",
        WARC_Refers_To_Target_URI=URL,
        WARC_Refers_To_Date=date(),
    )
    said = replayed(workspace, page(1), again)
    assert "skipped/unknown_profile etoday: 1" in said.out
    assert len(workspace.rows("captures")) == 1


def segments(*blocks: bytes, total: int | None = None) -> list[bytes]:
    """One response in segments, the last of which states the length of all."""
    made = [rec("1.1", "response", "s1", blocks[0], **ANSWER, WARC_Segment_Number="1")]
    for number, block in enumerate(blocks[1:], 2):
        fields = {**AT, "WARC_Segment_Number": str(number)}
        fields["WARC_Segment_Origin_ID"] = "<urn:uuid:s1>"
        if number == len(blocks):
            fields["WARC_Segment_Total_Length"] = str(total or sum(map(len, blocks)))
        made.append(rec("1.1", "continuation", f"s{number}", block, **fields))
    return made


@pytest.mark.parametrize("cuts", [(30, 400), (len(HEAD), len(HEAD)), (0, len(HEAD) + 5)])
def test_the_segments_of_a_record_are_joined(workspace: Workspace, cuts: tuple[int, int]) -> None:
    whole = HEAD + PAGE
    one, two = cuts
    said = replayed(workspace, *segments(whole[:one], whole[one:two], whole[two:]))
    assert said.code == 0, said.err
    assert "continuation records: 2 joined to another record" in said.out
    (found,) = kept(workspace, "response")
    assert found.exchange is not None
    assert found.exchange.head + found.exchange.body == whole
    assert len(workspace.rows("articles")) == 1


def test_what_lacks_a_segment_is_a_failed_input(workspace: Workspace) -> None:
    whole = segments(HEAD, PAGE[:100], PAGE[100:])
    for broken in (whole[:2], [whole[0], whole[2]], segments(HEAD, PAGE, total=5)):
        said = replayed(workspace, *broken)
        assert said.code == 1
        assert "segment" in said.err
    assert workspace.rows("captures") == []


PICTURE = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1\r\n\r\nx"
STYLE = b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 1\r\n\r\nx"
OTHER_PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx"
AWAY = "https://cdn.example.net/fixture.jpg"
SHEET = "https://static.example.org/news.css?v=1"
#: Linked in the body, in another case.
LATER_SHEET = "https://static.example.org/body.css"
#: Address and answer of what belongs to the article, and of what does not.
BELONGS = {
    "https://img.etoday.co.kr/pto_db/2018/03/another.jpg": PICTURE,
    "https://static.etoday.co.kr/logo.png": PICTURE,
    "https://blog.etoday.co.kr/": OTHER_PAGE,
    AWAY: b"HTTP/1.1 302 Found\r\nLocation: /moved.jpg\r\nContent-Length: 0\r\n\r\n",
    "https://cdn.example.net/moved.jpg": PICTURE,
    SHEET: STYLE,
    LATER_SHEET: STYLE,
    "https://go.example.com/1": b"HTTP/1.1 301 Moved\r\nLocation: https://go.example.com/2\r\n\r\n",
    "https://go.example.com/2": b"HTTP/1.1 301 Moved\r\nLocation: %b\r\n\r\n" % URL.encode(),
}
FOREIGN = {
    AWAY + "?other": PICTURE,
    SHEET + "&other": STYLE,
    "https://example.org/": OTHER_PAGE,
    "https://etoday.co.kr.example.org/x.png": PICTURE,
    "https://notetoday.co.kr/x.png": PICTURE,
    "https://go.example.com/3": b"HTTP/1.1 301 Moved\r\nLocation: https://example.org/\r\n\r\n",
    "https://go.example.com/4": b"HTTP/1.1 301 Moved\r\nLocation: https://go.example.com/4\r\n\r\n",
}


def with_belongings() -> bytes:
    """The response of an article with a picture and styles of other hosts."""
    own = b"https://img.etoday.co.kr/pto_db/2018/03/fixture-9000000002.jpg"
    style = b'<head>\n<link rel="StyleSheet" href="%b#x">' % SHEET.removeprefix("https:").encode()
    later = b"<LINK REL=STYLESHEET HREF=%b></body>" % LATER_SHEET.encode()
    html = PAGE.replace(own, AWAY.encode()).replace(b"<head>", style).replace(b"</body>", later)
    assert html.count(AWAY.encode()) == PAGE.count(own)
    head = HEAD.replace(b"%d" % len(PAGE), b"%d" % len(html))
    return rec("1.1", "response", "page", head + html, **ANSWER)


def urls(workspace: Workspace) -> set[str]:
    return {row["url"] for row in workspace.rows("captures")}


@pytest.mark.parametrize("order", ["before the article", "behind the article"])
def test_what_belongs_to_an_article_is_kept_in_any_order(workspace: Workspace, order: str) -> None:
    others = [
        rec("1.1", "response", number, answer, **ANSWER | {"WARC_Target_URI": url})
        for number, (url, answer) in enumerate((BELONGS | FOREIGN).items())
    ]
    made = (
        [*others, with_belongings()]
        if order == "before the article"
        else [with_belongings(), *others]
    )
    said = replayed(workspace, *made)
    assert said.code == 0, said.err
    assert urls(workspace) == {URL, *BELONGS}
    assert f"skipped/unknown_outlet –: {len(FOREIGN)}" in said.out
    assert {row["outlet"] for row in workspace.rows("captures")} == {"etoday"}
    assert workspace.call("reindex").code == 0
    assert urls(workspace) == {URL, *BELONGS}


def test_everything_is_kept_if_that_is_asked_for(workspace: Workspace) -> None:
    answers = BELONGS | FOREIGN
    others = [
        rec("1.1", "response", number, answer, **ANSWER | {"WARC_Target_URI": url})
        for number, (url, answer) in enumerate(answers.items())
    ]
    again = rec(
        "1.1",
        "revisit",
        "again",
        OTHER_PAGE[:-1],
        **ANSWER | {"WARC_Target_URI": "https://example.org/", "WARC_Date": date(2)},
        WARC_Profile="http://netpreserve.org/warc/1.1/revisit/identical-payload-digest",
        WARC_Payload_Digest=sha1(b"x"),
        WARC_Refers_To_Target_URI="https://example.org/",
        WARC_Refers_To_Date=date(),
    )
    path = workspace.folder / "foreign.warc.gz"
    path.write_bytes(packed(*others, with_belongings(), again))
    said = workspace.call("replay", "--all", path)
    assert said.code == 0, said.err
    assert urls(workspace) == {URL, *answers}
    kinds = [(row["outlet"], row["record_type"]) for row in workspace.rows("captures")]
    assert kinds.count(("", "response")) == len(FOREIGN)
    assert kinds.count(("", "revisit")) == 1
    for command in (
        ["verify"],
        ["status"],
        ["search", "기록"],
        ["export", workspace.folder / "a.wacz"],
    ):
        after = workspace.call(*command)
        assert after.code == 0, after.out + after.err
    before = [(row["url"], row["outcome"], row["reason"]) for row in workspace.rows("captures")]
    assert workspace.call("reindex").code == 0
    after_it = [(row["url"], row["outcome"], row["reason"]) for row in workspace.rows("captures")]
    assert sorted(after_it) == sorted(before)
    assert workspace.call("replay", "--all", path).code == 0
    assert len(workspace.rows("captures")) == len(before)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"])
@pytest.mark.parametrize("form", [sha1, sha256])
def test_not_modified_with_the_digest_of_nothing_stands_for_the_page_before(
    workspace: Workspace, head: bytes, form: Callable[[bytes], str]
) -> None:
    """As Heritrix writes it: nothing says which record is meant, and of the head nothing is kept."""
    fields = ANSWER | {
        "WARC_Profile": "http://netpreserve.org/warc/1.0/revisit/server-not-modified"
    }
    fields["WARC_Payload_Digest"] = form(b"")
    gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    other = {"WARC_Target_URI": URL + "0"}
    said = replayed(
        workspace,
        page(1),
        rec("1.1", "response", 2, gone, **ANSWER | {"WARC_Date": date(2)}),
        rec("1.0", "revisit", 3, head, **fields | {"WARC_Date": date(3)}),
        rec("1.0", "revisit", 4, head, **fields | other | {"WARC_Date": date(3)}),
    )
    assert said.code == 0, said.err
    assert "skipped/no_original etoday: 1" in said.out
    (revisit,) = kept(workspace, "revisit")
    assert revisit.fields["warc-profile"].endswith("/1.1/revisit/server-not-modified")
    (original,) = [each for each in kept(workspace, "response") if each.exchange.body == PAGE]
    assert revisit.fields["warc-refers-to"] == original.record_id
    assert revisit.block == head
    rows = workspace.rows("captures")
    shown = [row["revision_id"] for row in rows if row["record_type"] == "revisit"]
    assert shown == [row["revision_id"] for row in rows if row["record_id"] == original.record_id]
    assert workspace.call("reindex").code == 0
    assert workspace.call("verify").code == 0


@pytest.mark.parametrize("name", ["A.WARC.GZ", "a.Warc.Gz"])
@pytest.mark.parametrize("in_folder", [False, True])
def test_a_name_in_capitals_is_read(workspace: Workspace, name: str, in_folder: bool) -> None:
    folder = workspace.folder / "given"
    folder.mkdir()
    (folder / name).write_bytes(packed(page(1)))
    said = workspace.call("replay", folder if in_folder else folder / name)
    assert (said.code, said.err) == (0, "")
    assert len(workspace.rows("articles")) == 1
