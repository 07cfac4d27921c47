"""``show``, ``search`` and ``export`` as processes, and what all verbs have in common."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from archive.index.database import index_exists
from tests.support.archives.captures import Keeper, exchange
from tests.support.databases.postgres import without_index
from tests.support.documents import KNOWN, MADE, SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

VERBS = ("replay", "export", "search", "show")
#: DESIGN's contract of the export: these keys at least.
CONTRACT = {
    "outlet",
    "article_id",
    "url",
    "headline",
    "subheadlines",
    "authors",
    "section",
    "tags",
    "published_at",
    "modified_at",
    "published_raw",
    "modified_raw",
    "body",
    "images",
    "language",
    "captured_at",
    "revision",
    "status",
    "removed",
    "warc",
}
OURS = {
    "change",
    "dateline",
    "deleted_at",
    "deletion",
    "flags",
    "http_status",
    "identity",
    "layouts",
    "quality",
    "modified_precision",
    "published_precision",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An archive of all seeds, for verbs that only read."""
    workspace = Workspace(tmp_path_factory.mktemp("desk"))
    result = workspace.run("replay", *MADE)
    assert result.code == 0, result.err
    return workspace


def test_export_has_exactly_the_contracts_keys(workspace: Workspace) -> None:
    records = workspace.export()
    assert [(r["outlet"], r["article_id"]) for r in records] == [
        ("etoday", "9000000001"),
        ("etoday", "9000000002"),
        ("newspim", "20180302999902"),
        ("newspim", "20180302999903"),
        ("newspim", "20230915999901"),
    ]
    for record in records:
        assert set(record) == CONTRACT | OURS
        assert list(record) == sorted(record)
        assert set(record["warc"]) == {"file", "offset", "length", "record_id", "payload_digest"}
        assert all(set(author) == {"name", "role", "email"} for author in record["authors"])
        assert all(set(image) == {"url", "caption", "credit"} for image in record["images"])
        assert all(set(span) == {"rule", "text"} for span in record["removed"])
        assert record["published_at"].endswith("+09:00")
        assert record["captured_at"].endswith("+09:00")
        assert record["url"].startswith("https://www.")
        assert record["identity"] == "outlet"
        assert (record["status"], record["deleted_at"], record["change"]) == (
            "published",
            None,
            None,
        )
    assert "\n\n" in records[0]["body"]


def test_export_joins_what_text_and_pages_know_of_one_article(workspace: Workspace) -> None:
    newspim = {record["article_id"]: record for record in workspace.export()}["20230915999901"]
    assert newspim["section"] == "글로벌 러시아"
    assert newspim["images"][0]["url"].startswith("https://img.newspim.com/")
    assert newspim["authors"] == [
        {"name": "고인원", "role": "특파원", "email": "koinwon@newspim.com"}
    ]
    assert set(newspim["layouts"]) == {"text", "desktop-2021", "desktop-2026"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--outlet", "etoday"], 2),
        (["--outlet", "newspim"], 3),
        (["--since", "2023-09-05"], 2),
        (["--since", "2023-09-06"], 1),
        (["--until", "2023-09-05"], 4),
        (["--until", "2023-09-04"], 3),
        (["--since", "2023-09-15", "--until", "2023-09-15"], 1),
    ],
)
def test_export_narrows(
    workspace: Workspace, tmp_path: Path, options: list[str], expected: int
) -> None:
    result = workspace.call("export", *options, tmp_path / "x.jsonl")
    assert (result.code, result.err) == (0, "")
    what = "article" if expected == 1 else "articles"
    assert result.out == f"{expected} {what} written to {tmp_path / 'x.jsonl'}\n"
    assert len((tmp_path / "x.jsonl").read_text("utf-8").splitlines()) == expected


def test_csv_is_a_table_that_spreadsheets_read_and_holds_no_formula(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    text = (SEEDS / "etoday" / "own-text.txt").read_text("utf-8")
    headline = text.splitlines()[0]
    formulas = ["=HYPERLINK(1)", "+1", "-1.27%", "@SUM(1)"]
    for number, formula in enumerate(formulas):
        (tmp_path / f"{number}.txt").write_text(text.replace(headline, f"{formula} 제목"), "utf-8")
    assert workspace.run("replay", *sorted(tmp_path.glob("?.txt"))).code == 0
    assert workspace.call("export", tmp_path / "x.csv").code == 0
    data = (tmp_path / "x.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines(keepends=True)))
    assert sorted(row["headline"] for row in rows) == sorted(
        f"'{formula} 제목" for formula in formulas
    )
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
    assert not [cell for cell in cells if cell.startswith("-")]
    assert set(rows[0]) == (CONTRACT | OURS) - {"warc", "change", "deletion"} | {
        f"warc_{name}" for name in ("file", "offset", "length", "record_id", "payload_digest")
    } | {f"deletion_{name}" for name in ("first_seen_gone_at", "confirmed_at", "captures")} | {
        f"change_{name}"
        for name in ("classes", "words_added", "words_removed", "chars_added", "chars_removed")
    }
    assert json.loads(rows[0]["removed"])[0]["rule"]
    documented = [name for name, _, _ in (line.partition("_") for line in rows[0])]
    assert documented == sorted(documented)
    header = data.split(b"\r\n", 1)[0] + b"\r\n"
    said = workspace.call("export", tmp_path / "empty.csv", "--since", "2099-01-01")
    assert (said.code, (tmp_path / "empty.csv").read_bytes()) == (0, header)
    said = workspace.call("export", tmp_path / "empty.jsonl", "--since", "2099-01-01")
    assert (said.code, (tmp_path / "empty.jsonl").read_bytes()) == (0, b"")


#: Names of the standard output, and of files of the same format.
STDOUT = (
    ("-", "a.jsonl"),
    ("-:jsonl", "a.JSONL"),
    ("-:csv", "a.Csv"),
    ("-:parquet", "a.parquet"),
)


def test_export_to_the_standard_output_is_the_file(workspace: Workspace, tmp_path: Path) -> None:
    for name, file in STDOUT:
        assert workspace.call("export", tmp_path / file).code == 0
        how = {"LC_ALL": "C", "PYTHONIOENCODING": "euc-kr"}
        with (tmp_path / "stdout").open("w+b") as stdout:
            process = workspace.start(
                "export", name, env=how, stdout=stdout, stderr=subprocess.PIPE
            )
            _, said = process.communicate(timeout=300)
        assert process.returncode == 0
        assert said == b"5 articles written to the standard output\n"
        assert (tmp_path / "stdout").read_bytes() == (tmp_path / file).read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["a.jsonl", "b.jsonl"], 2),
        (["x.xlsx"], 2),
        (["-:wacz"], 2),
        (["--since", "yesterday", "x.jsonl"], 2),
        (["/proc/none/x.jsonl"], 1),
        (["--outlet", "nobody", "x.jsonl"], 2),
        (["--outlet", "nobody", "x.cdxj"], 2),
    ],
)
def test_export_says_what_is_wrong(workspace: Workspace, arguments: list[str], code: int) -> None:
    result = workspace.call("export", *arguments)
    assert result.code == code
    assert "Traceback" not in result.err
    assert result.err.strip()


def test_an_export_that_fails_leaves_the_file_that_was_there(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "x.jsonl"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    result = workspace.call("export", folder)
    assert result.code == 1
    (sentence,) = result.sentences
    assert str(folder) in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]
    assert (folder / "mine").read_text() == "mine"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("푸틴", 2),
        ("뿌찐", 2),
        ("김정은 블라디보스토크", 2),
        ("최강야구", 0),
        ("똠얌꿍", 3),
        ("최원진", 1),
        ("고인원", 1),
        ("wonjc6@newspim.com", 1),
        ("NYT", 1),
        ("nyt", 1),
        ("틴", 2),
        ("한반도와 러시아", 1),
        ("푸틴 outlet:newspim", 1),
        ("푸틴 outlet:etoday", 1),
        ("푸틴 since:2018-03-02 until:2018-03-02", 0),
        ("푸틴 -김정은", 0),
        ("똠얌꿍 OR 푸틴", 5),
    ],
)
def test_search_finds_words_and_parts_of_words_and_no_widget_noise(
    workspace: Workspace, query: str, expected: int
) -> None:
    result = workspace.call("search", query)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1] == f"{expected} found"


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "'",
        "푸틴 OR",
        "NEAR(푸틴 김정은)",
        "headline:푸틴",
        "푸틴*",
        "(",
        "AND",
        "푸틴 NOT 김정은",
        "^푸틴",
        "a-b",
        "%_",
    ],
)
def test_search_takes_fts_syntax_for_words(workspace: Workspace, query: str) -> None:
    result = workspace.call("search", query)
    assert result.code in (0, 2)
    assert "Traceback" not in result.err
    assert "fts5" not in result.err.lower()
    assert result.out.strip() if result.code == 0 else re.search("error: .{20}", result.err)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("푸틴 outlet:nosuch", f"no outlet 'nosuch'; known: {KNOWN}"),
        ("푸틴 since:yesterday", "since:yesterday is not a valid date"),
        ("푸틴 until:9999-12-31", "until:9999-12-31 is not a valid date"),
        ("푸틴 since:0001-01-01", "since:0001-01-01 is not a valid date"),
        ("headline:푸틴", "there is no field headline: in queries"),
        ('"푸틴', "a quotation mark opens"),
    ],
)
def test_search_refuses_a_query_with_a_sentence(
    workspace: Workspace, query: str, sentence: str
) -> None:
    result = workspace.call("search", query)
    assert (result.code, result.out) == (2, "")
    assert sentence in result.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["푸틴", "-김정은"], 0),
        (["푸틴", "-NYT"], 1),
        (["푸틴", "--", "-NYT"], 1),
        (["--", "푸틴", "-sNYT", "-LG"], 2),
        (["--limit", "9", "-NYT", "푸틴"], 1),
    ],
)
def test_search_takes_terms_with_a_hyphen_unquoted(
    workspace: Workspace, words: list[str], expected: int
) -> None:
    result = workspace.run("search", *words)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1] == f"{expected} found"


@pytest.mark.parametrize("word", ["-LG", "-samsung", "--NYT"])
def test_search_says_what_to_type_for_a_term_that_is_taken_for_an_option(
    workspace: Workspace, word: str
) -> None:
    result = workspace.run("search", "푸틴", word)
    assert (result.code, result.out.splitlines()[2:]) == (2, [])
    assert word in result.err
    assert ("write -- before the query" in result.err) is not word.startswith("--")


def test_search_goes_on_page_by_page(workspace: Workspace) -> None:
    whole = json.loads(workspace.call("search", "--json", "러시아").out)
    assert (whole["number"], whole["number_is_exact"], whole["next"]) == (2, True, None)
    first = json.loads(workspace.call("search", "--json", "--limit", "1", "러시아").out)
    assert first["articles"] == whole["articles"][:1]
    printed = workspace.call("search", "--limit", "1", "러시아").out.splitlines()
    assert printed[-1] == f"next: --before {first['next']}"
    rest = ("search", "--limit", "1", "--before", first["next"], "러시아")
    second = json.loads(workspace.call(*rest, "--json").out)
    assert second["articles"] == whole["articles"][1:]
    assert (second["number"], second["next"]) == (2, None)
    assert workspace.call(*rest).out.splitlines()[-1] == ("2 found; shown: 1 of them (--limit N)")


@pytest.mark.parametrize("cursor", ["", "x", "none", "20230231T000000Z-1", "20230915T000000Z-"])
def test_a_wrong_cursor_is_refused(workspace: Workspace, cursor: str) -> None:
    result = workspace.call("search", "--before", cursor, "러시아")
    assert result.code == 2
    assert "is no cursor: write behind --before what" in result.err


def test_search_counts_to_a_thousand_unless_asked(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.commands.reading.search._COUNTED", 1)
    assert "1+ found; shown: the newest 1" in workspace.call("search", "--limit", "1", "러시아").out
    counted = ("search", "--limit", "1", "러시아", "--json")
    few, all_ = (json.loads(workspace.call(*counted, *more).out) for more in ([], ["--count"]))
    assert (few["number"], few["number_is_exact"]) == (1, False)
    assert (all_["number"], all_["number_is_exact"]) == (2, True)


def test_search_ranks(workspace: Workspace) -> None:
    ranked = json.loads(workspace.call("search", "--json", "--rank", "러시아").out)
    newest = json.loads(workspace.call("search", "--json", "러시아").out)
    names = [{one["url"] for one in found["articles"]} for found in (ranked, newest)]
    assert names[0] == names[1]
    said = workspace.call("search", "--rank", "--limit", "1", "러시아").out.splitlines()
    assert said[-1] == "2 found; shown: the best 1 (--limit N)"
    assert workspace.call("search", "--rank", "없는낱말이다").out == "0 found\n"
    for words, sentence in (
        (["outlet:etoday"], "--rank needs a term"),
        (["핵 outlet:etoday"], "--rank needs a term of two characters"),
        (["--before", "none-1", "러시아"], "--rank gives one page"),
    ):
        refused = workspace.call("search", "--rank", *words)
        assert refused.code == 2
        assert sentence in refused.err


def test_search_shows_where_the_terms_stand(workspace: Workspace) -> None:
    assert "«러시아»" in workspace.call("search", "러시아").out
    for snippet in json.loads(workspace.call("search", "--json", "러시아").out)["snippets"]:
        marked = {snippet["text"][begin:end] for begin, end in snippet["marks"]}
        assert marked <= {"러시아", "로씨야"}
        assert marked


def test_search_by_fields_alone(workspace: Workspace) -> None:
    of_etoday = workspace.call("search", "outlet:etoday").out.splitlines()[-1]
    assert of_etoday == workspace.call("show", "etoday").out.splitlines()[-1].replace(
        "article", "found"
    ).replace("founds", "found")
    assert "0 found" in workspace.call("search", "author:아무도아닌").out


def test_search_limits(workspace: Workspace) -> None:
    found = workspace.call("search", "--limit", "1", "러시아").out.splitlines()
    assert found[-2] == "2 found; shown: the newest 1 (--limit N)"
    assert found[-1].startswith("next: --before 20230915T")
    for wrong in (
        ["--limit", "0", "러시아"],
        ["--limit", "x", "러시아"],
        [],
        ["--limti", "러시아"],
        ["   "],
    ):
        result = workspace.call("search", *wrong)
        assert (result.code, result.out) == (2, ""), wrong
        assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "name",
    [
        "etoday/1",
        "etoday/content-0",
        "etoday/' OR 1=1",
        "https://www.etoday.co.kr/news/view/1",
        "https://www.etoday.co.kr/",
    ],
)
def test_show_of_an_unknown_article_says_so(workspace: Workspace, name: str) -> None:
    result = workspace.call("show", name)
    assert (result.code, result.out) == (1, "")
    (sentence,) = result.sentences
    assert name.removeprefix("https://www.etoday.co.kr/news/view/") in sentence


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("etodya", f"no outlet 'etodya' (did you mean etoday?); known: {KNOWN}"),
        ("Etoday/9000000001", f"no outlet 'Etoday' (did you mean etoday?); known: {KNOWN}"),
        ("nobody/9000000001", f"no outlet 'nobody'; known: {KNOWN}"),
        ("https://example.org/news/1", "no outlet has the host of https://example.org/news/1;"),
    ],
)
def test_show_of_an_unknown_outlet_is_invalid(
    workspace: Workspace, name: str, sentence: str
) -> None:
    result = workspace.call("show", name)
    assert result.code == 2
    assert sentence in result.err


@pytest.mark.parametrize(
    "address",
    [
        "https://www.etoday.co.kr/news/view/9000000001",
        "http://www.etoday.co.kr/news/view/9000000001?utm_source=x#top",
        "https://m.etoday.co.kr/view.php?idxno=9000000001",
        "www.etoday.co.kr/news/view/9000000001",
        "HTTPS://WWW.ETODAY.CO.KR/news/view/9000000001",
    ],
)
def test_show_takes_any_address_of_an_article(workspace: Workspace, address: str) -> None:
    shown = workspace.call("show", address)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == workspace.call("show", "etoday/9000000001").out


def test_show_prints_everything_that_is_kept(workspace: Workspace) -> None:
    result = workspace.call("show", "newspim/20230915999901")
    assert (result.code, result.err) == (0, "")
    record = {r["article_id"]: r for r in workspace.export()}["20230915999901"]
    for text in (
        record["headline"],
        record["body"],
        record["url"],
        record["images"][0]["caption"],
        "특파원",
    ):
        assert text in result.out
    for span in record["removed"]:
        assert f"[removed] {span['rule']}: " in result.out
    captures = [line for line in result.out.splitlines() if ".warc.gz" in line]
    assert len(captures) == 3
    articles = {row["article_id"]: row["id"] for row in workspace.rows("articles")}
    article = articles["20230915999901"]
    alias = next(
        row["alias"]
        for row in workspace.rows("aliases")
        if row["article"] == article and "content-" in row["alias"]
    )
    assert workspace.call("show", f"newspim/{alias}").out == result.out


def test_show_lists(workspace: Workspace) -> None:
    assert workspace.call("show").out.splitlines()[-1] == "5 articles"
    assert workspace.call("show", "etoday").out.splitlines()[-1] == "2 articles"
    assert workspace.call("show", "a/1", "a/2").code == 2


def test_show_lists_the_newest_first_and_says_how_many_there_are(workspace: Workspace) -> None:
    lines = workspace.call("show", "--limit", "2").out.splitlines()
    assert lines[-2] == "5 articles; shown: the newest 2 (--limit N)"
    assert lines[-1].startswith("next: --before ")
    names = [line.split()[1] for line in lines if line.startswith("│")]
    times = {
        f"{record['outlet']}/{record['article_id']}": record["published_at"]
        for record in workspace.export()
    }
    assert names == sorted(times, key=times.__getitem__, reverse=True)[:2]


@pytest.mark.parametrize("words", [("search", "러시아"), ("show",)])
def test_listed_articles_as_json_are_those_of_the_export(
    workspace: Workspace, words: tuple[str, ...]
) -> None:
    exported = {record["url"]: record for record in workspace.export()}
    every = json.loads(workspace.call(*words, "--json").out)
    assert every["number"] == len(every["articles"])
    assert all(exported[article["url"]] == article for article in every["articles"])
    first = json.loads(workspace.call(*words, "--json", "--limit", "1").out)
    assert first["articles"] == every["articles"][:1]
    assert (first["number"], first["number_is_exact"]) == (every["number"], True)
    assert first["left_out"] == 0
    assert first.keys() == every.keys()


def test_an_article_as_json_is_all_that_is_kept_of_it_in_any_locale(workspace: Workspace) -> None:
    record = {r["article_id"]: r for r in workspace.export()}["20230915999901"]
    result = workspace.run("show", "--json", "newspim/20230915999901", env={"LC_ALL": "C"})
    shown = json.loads(result.out)
    assert shown["article"] == record
    assert [one["revision"] for one in shown["revisions"]] == [1]
    assert [(one["revision"], one["classes"]) for one in shown["history"]] == [(1, [])]
    places = {(row["warc_file"], row["warc_offset"]) for row in workspace.rows("captures")}
    kept = {(one["warc"]["file"], one["warc"]["offset"]) for one in shown["captures"]}
    assert len(kept) == 3
    assert kept < places
    missing = workspace.call("show", "--json", "newspim/1")
    assert (missing.code, missing.out) == (1, "")


def test_a_verification_as_json_has_what_the_lines_say(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    text = (SEEDS / "etoday" / "own-text.txt").read_bytes()
    Keeper(tmp_path).read("etoday", exchange("", text, media_type="text/plain"))
    whole = json.loads(workspace.call("verify", "--json").out)
    assert (whole["ok"], whole["files"], whole["errors"], whole["findings"]) == (True, 1, 0, [])
    (path,) = workspace.archive.glob("*.warc.gz")
    path.write_bytes(path.read_bytes()[:-20])
    result = workspace.call("verify", "--json")
    damaged = json.loads(result.out)
    assert (result.code, damaged["ok"]) == (1, False)
    lines = workspace.call("verify").out
    assert damaged["errors"] == len(damaged["findings"]) > 0
    assert all(finding["sentence"] in lines for finding in damaged["findings"])
    assert (
        sum(rule["number"] for rule in damaged["rules"] if rule["severity"] == "error")
        == (damaged["errors"])
    )


@pytest.mark.parametrize("verb", ["show", "search", "export"])
def test_a_verb_that_reads_makes_no_index(tmp_path: Path, verb: str) -> None:
    workspace = Workspace(tmp_path)
    url = without_index(workspace.index)
    arguments = {"show": [], "search": ["푸틴"], "export": [tmp_path / "x.jsonl"]}[verb]
    result = workspace.call(verb, *arguments)
    assert result.code == 1
    assert "replay" in result.err, "it says what to do"
    assert list(tmp_path.iterdir()) == []
    assert not index_exists(url)


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example_and_every_option(workspace: Workspace, verb: str) -> None:
    result = workspace.call(verb, "--help")
    assert (result.code, result.err) == (0, "")
    assert f"Example: scrapy {verb}" in " ".join(result.out.split())


def test_the_list_of_verbs_names_them(workspace: Workspace) -> None:
    out = workspace.call("-h").out
    assert all(f"  {verb} " in out for verb in VERBS)


@pytest.mark.parametrize(
    "verb", [["show"], ["show", "etoday/9000000001"], ["search", "러시아"], ["replay", *MADE]]
)
def test_output_into_a_closed_pipe_is_no_failure(workspace: Workspace, verb: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = workspace.start(*verb, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "euc-kr"},
        {"PYTHONIOENCODING": "ascii"},
        {"NO_COLOR": "1"},
        {"TERM": "dumb", "COLUMNS": "20"},
        {"TERM": "xterm-256color", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"},
    ],
    ids=lambda env: "-".join(env.values()),
)
def test_another_locale_or_terminal_loses_no_article(
    workspace: Workspace, env: dict[str, str]
) -> None:
    result = workspace.run("show", "newspim/20230915999901", env=env)
    assert (result.code, result.err) == (0, "")
    assert "koinwon@newspim.com" in result.out
    found = workspace.run("search", "푸틴", env=env)
    assert (found.code, found.err) == (0, "")
    assert found.out.splitlines()[-1] == "2 found"
    if "FORCE_COLOR" not in env:
        assert "\x1b[" not in result.out + found.out
    if "PYTHONIOENCODING" not in env and env.get("PYTHONUTF8") != "0":
        assert "고인원" in result.out


def test_replay_in_another_locale_keeps_the_same(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path)
    result = other.run("replay", *MADE, env={"LC_ALL": "C", "PYTHONIOENCODING": "euc-kr"})
    assert (result.code, result.err) == (0, "")
    fields = ("headline", "body", "authors", "removed")
    assert [[r[f] for f in fields] for r in other.export()] == [
        [r[f] for f in fields] for r in workspace.export()
    ]


def test_what_a_page_says_can_command_no_terminal(tmp_path: Path) -> None:
    text = (SEEDS / "etoday" / "own-text.txt").read_text("utf-8")
    Keeper(tmp_path).read(
        "etoday",
        exchange("", text.replace("주민", "\x1b[2J[red]주민").encode(), media_type="text/plain"),
    )
    workspace = Workspace(tmp_path)
    result = workspace.run("show", "etoday")
    assert "[red]" in result.out
    assert "\x1b" not in result.out
    assert "\x1b" not in workspace.run("search", "기록의").out


def test_settings_are_taken_from_the_command_line(workspace: Workspace, tmp_path: Path) -> None:
    index = f"INDEX_URL={workspace.index_url}"
    result = Workspace(tmp_path).run("show", "-s", index)
    assert (result.code, result.out.splitlines()[-1]) == (0, "5 articles")


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "-s", "ARCHIVE_URL={}"),
        ("restore", "{}"),
        ("status", "-s", "JOBS_FILE={}"),
        ("status", "-s", "INDEX_URL=sqlite:///{}"),
        ("replay", "-s", "ARCHIVE_URL={}", str(SEEDS)),
    ],
)
def test_a_path_that_cannot_be_examined_is_named_without_a_traceback(
    workspace: Workspace, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """As one without rights, which root has everywhere, or on a mount that went stale."""
    place = tmp_path / ("x" * 300)
    result = workspace.call(*(word.format(place) for word in words))
    assert result.code == 1
    assert f"Cannot use {place}" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("limit", ["1", "2", "4", "5", "99"])
def test_show_lists_pages_of_articles_as_one_list(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    for arguments in (["--limit", limit], ["etoday", "--limit", limit]):
        at_once = workspace.call("show", *arguments, "--json")
        rows = workspace.call("show", *arguments)
        with monkeypatch.context() as patched:
            patched.setattr("archive.articles.queries.PAGE", 2)
            by_pages = workspace.call("show", *arguments, "--json")
            tables = workspace.call("show", *arguments)
        assert by_pages == at_once
        assert names(tables.out) == names(rows.out)
        assert tables.out.splitlines()[-1] == rows.out.splitlines()[-1]


@pytest.mark.parametrize("how", [[], ["--json"]])
@pytest.mark.parametrize("outlet", [[], ["etoday"]])
def test_show_goes_on_behind_the_cursor_of_a_list(
    workspace: Workspace, outlet: list[str], how: list[str]
) -> None:
    whole = names(workspace.call("show", *outlet).out)
    found: list[str] = []
    cursor: list[str] = []
    for _ in range(len(whole)):
        said = workspace.call("show", *outlet, *how, "--limit", "1", *cursor)
        if how:
            page = json.loads(said.out)
            found += [f"{one['outlet']}/{one['article_id']}" for one in page["articles"]]
            following = page["next"]
        else:
            found += names(said.out)
            last = said.out.splitlines()[-1]
            following = last.removeprefix("next: --before ") if "next: " in last else None
        assert (following is None) == (len(found) == len(whole))
        cursor = ["--before", str(following)]
    assert found == whole
    assert workspace.call("show", "--before", "no cursor").code in (1, 2)
    assert workspace.call("show", "etoday/9000000001", "--before", "x").code == 2


def names(out: str) -> list[str]:
    """The articles of a printed list."""
    return [line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│")]
