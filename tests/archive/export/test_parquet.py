"""Parquet of articles holds what the JSON lines hold, typed, and DuckDB, pandas and Polars read it."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pandas
import polars
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.articles.queries import each_row
from archive.articles.selected_rows import ArticleSelection, rows_of
from archive.export import article_files, parquet
from archive.export.article_files import chunks_of, write_articles, write_to
from archive.export.articles import ExportError
from archive.export.partitioned import write_partitioned
from archive.index.database import Index
from archive.model.article import KST, Article, Author, Image, Precision, Removed
from tests.support.archives.made_articles import article, enter, enter_gone
from tests.support.databases.postgres import as_stored, url_of
from tests.support.examples import of_costly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

#: Texts that programs take for something else: a formula, another direction, an end, an escape.
ODD = (
    '=HYPERLINK("http://a.example")',
    "\u202e거꾸로\u2066 섞인\u2069",
    "벨\x07 널\x00 끝\x1b[31m",
    "줄\r\n끝\u2028과\u0085",
    "',\"\\",
    "👩‍👩‍👧 金正恩 ㈜",
)
NOON = datetime(2023, 9, 15, 12, tzinfo=KST)
#: The last moment of a month in KST, which is of the same month in UTC, and the first of the next.
LAST, FIRST = datetime(2023, 9, 30, 23, 59, tzinfo=KST), datetime(2023, 10, 1, 0, 5, tzinfo=KST)
MADE = [
    *(article(number, headline=text, published_at=NOON) for number, text in enumerate(ODD, 1)),
    article(20, published_at=LAST, authors=(Author("김 기자", "기자", "a@b.example"),)),
    article(21, published_at=FIRST, images=(Image("https://i.example/1.jpg", "설명", "사진"),)),
    article(22, tags=("하나", "둘"), removed=(Removed("rule", "지운 글"),), section="정치"),
    article(23, outlet="site:한글.example", published_at=NOON),
    article(25, published_at=NOON),
    article(24, outlet="newspim", published_at=NOON, published_precision=Precision.MINUTE),
]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Articles with odd texts and times, one that was edited and one that is deleted."""
    folder = tmp_path_factory.mktemp("parquet")
    with Index(url_of(folder / "i.sqlite3")) as index:
        enter(index, MADE, NOON)
        enter(index, [article(22, body=("고친 글이다.",)), *MADE[:3]], NOON + timedelta(hours=1))
        enter_gone(index, [MADE[6]], NOON + timedelta(hours=2))
        enter(index, MADE[:3], NOON + timedelta(hours=3))
        enter_gone(index, [MADE[6]], NOON + timedelta(hours=20))
        with index.reading() as opened:
            yield opened


def lines(connection: Connection, **how: Any) -> list[dict[str, Any]]:
    """The same articles as JSON lines have them, times read."""
    out = io.StringIO()
    write_to(out, ".jsonl", each_row(connection, **how))
    found = [json.loads(line) for line in out.getvalue().split("\n") if line]
    for one in found:
        for each in (one, one["deletion"] or {}):
            for name in each:
                if name.endswith("_at") and each[name] is not None:
                    each[name] = datetime.fromisoformat(each[name])
    return found


@pytest.fixture
def file(connection: Connection, tmp_path: Path) -> Path:
    path = tmp_path / "articles.parquet"
    assert write_articles(path, rows_of(connection, ArticleSelection())) == len(MADE)
    return path


@pytest.fixture
def folder(connection: Connection, tmp_path: Path) -> Path:
    path = tmp_path / "articles"
    rows = rows_of(connection, ArticleSelection(), by_month=True)
    assert write_partitioned(path, rows) == len(MADE)
    return path


@pytest.mark.parametrize("every", [False, True])
def test_it_holds_the_values_of_the_json_lines(
    connection: Connection, every: bool, tmp_path: Path
) -> None:
    path = tmp_path / "x.parquet"
    write_articles(path, rows_of(connection, ArticleSelection(every_revision=every)))
    table = pyarrow.parquet.read_table(path)
    expected = lines(connection, every_revision=every)
    assert table.to_pylist() == expected
    assert table.schema.names == list(expected[0])
    assert {one["status"] for one in expected} == {"published", "deleted"}
    assert any(one["change"] for one in expected)


def test_duckdb_reads_the_file(connection: Connection, file: Path) -> None:
    expected = {one["article_id"]: one for one in lines(connection)}
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'Asia/Seoul'")
        rows = database.execute(
            "SELECT article_id, headline, published_at, captured_at, authors[1].name, tags,"
            f" deletion.confirmed_at, warc.\"offset\", change.words_added, revision FROM '{file}'"
        ).fetchall()
        kinds = dict(
            database.execute(f"SELECT column_name, column_type FROM (DESCRIBE '{file}')").fetchall()
        )
    assert len(rows) == len(expected)
    for name, headline, published, captured, author, tags, confirmed, offset, added, number in rows:
        one = expected[name]
        assert headline == one["headline"]
        assert (published, captured) == (one["published_at"], one["captured_at"])
        assert author == (one["authors"][0]["name"] if one["authors"] else None)
        assert tags == one["tags"]
        assert confirmed == (one["deletion"] and one["deletion"]["confirmed_at"])
        assert (offset, number) == (one["warc"]["offset"], one["revision"])
        assert added == (one["change"] and one["change"]["words_added"])
    assert kinds["published_at"] == "TIMESTAMP WITH TIME ZONE"
    assert (kinds["revision"], kinds["tags"]) == ("INTEGER", "VARCHAR[]")
    assert kinds["authors"] == 'STRUCT("name" VARCHAR, "role" VARCHAR, email VARCHAR)[]'


def test_pandas_reads_the_file(connection: Connection, file: Path) -> None:
    frame = pandas.read_parquet(file)
    expected = lines(connection)
    assert str(frame["published_at"].dtype) == "datetime64[us, Asia/Seoul]"
    assert list(frame["headline"]) == [one["headline"] for one in expected]
    times = [None if pandas.isna(one) else one.to_pydatetime() for one in frame["published_at"]]
    assert times == [one["published_at"] for one in expected]
    assert [list(tags) for tags in frame["tags"]] == [one["tags"] for one in expected]


def test_polars_reads_the_file(connection: Connection, file: Path) -> None:
    frame = polars.read_parquet(file)
    assert frame.schema["published_at"] == polars.Datetime("us", "Asia/Seoul")
    assert frame.schema["tags"] == polars.List(polars.String)
    assert frame.schema["revision"] == polars.Int32
    assert frame.to_dicts() == lines(connection)


def partitions(connection: Connection) -> dict[str, tuple[str, str]]:
    """The outlet and month of each article."""
    found: dict[str, tuple[str, str]] = {}
    for one in lines(connection):
        moment = one["published_at"]
        found[one["article_id"]] = (one["outlet"], f"{moment:%Y-%m}" if moment else "unknown")
    return found


def test_all_three_read_outlet_and_month_of_the_folder(
    connection: Connection, folder: Path
) -> None:
    expected = partitions(connection)
    assert {month for _, month in expected.values()} == {"2023-09", "2023-10", "unknown"}
    rows = duckdb.sql(
        f"SELECT article_id, outlet, month FROM read_parquet('{folder}/**/*.parquet')"
    ).fetchall()
    assert {name: (outlet, month) for name, outlet, month in rows} == expected
    frame = pandas.read_parquet(folder)
    values = zip(frame["article_id"], frame["outlet"], frame["month"], strict=True)
    assert {name: (outlet, month) for name, outlet, month in values} == expected
    found = polars.read_parquet(folder).select("article_id", "outlet", "month").rows()
    assert {name: (outlet, month) for name, outlet, month in found} == expected


def test_a_month_is_one_file(folder: Path) -> None:
    """An article of October in KST, of September in UTC, lies between two of September by its id."""
    files = list(folder.rglob("*.parquet"))
    assert {path.name for path in files} == {"part-0.parquet"}
    assert len(files) == len({path.parent for path in files}) == 5


def test_a_month_alone_is_read(folder: Path) -> None:
    query = f"SELECT count(*) FROM read_parquet('{folder}/**/*.parquet') WHERE month = '2023-10'"
    assert duckdb.sql(query).fetchall() == [(1,)]
    frame = polars.scan_parquet(folder).filter(polars.col("month") == "2023-10").collect()
    assert frame["article_id"].to_list() == ["21"]
    frame = pandas.read_parquet(folder, filters=[("month", "==", "unknown")])
    assert list(frame["article_id"]) == ["22"]


def test_a_second_run_replaces_the_folder(connection: Connection, folder: Path) -> None:
    some = ArticleSelection(outlet="newspim")
    assert write_partitioned(folder, rows_of(connection, some, by_month=True)) == 1
    files = [str(path.relative_to(folder)) for path in folder.rglob("*.parquet")]
    assert files == ["outlet=newspim/month=2023-09/part-0.parquet"]
    assert [path.name for path in folder.parent.iterdir()] == ["articles"]


def test_a_second_run_replaces_the_folder_where_names_cannot_be_exchanged(
    connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.export.partitioned._exchange", lambda *_: False)
    test_a_second_run_replaces_the_folder(connection, folder)


def test_a_failure_leaves_the_folder_as_it_was(connection: Connection, folder: Path) -> None:
    before = sorted(folder.rglob("*"))

    def failing() -> Iterator[Any]:
        yield next(iter(each_row(connection)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_partitioned(folder, failing())
    assert sorted(folder.rglob("*")) == before
    assert [path.name for path in folder.parent.iterdir()] == ["articles"]


@pytest.mark.parametrize(
    "name", ["notes.txt", "outlet=etoday/x.csv", "outlet=a/month=b/part-0.csv"]
)
def test_a_folder_of_somebody_is_not_replaced(
    connection: Connection, folder: Path, name: str
) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("mine")
    with pytest.raises(ExportError, match="something else"):
        write_partitioned(folder, rows_of(connection, ArticleSelection(), by_month=True))
    assert (folder / name).read_text() == "mine"


def test_no_article_makes_no_folder_and_a_file_of_no_rows(
    connection: Connection, tmp_path: Path
) -> None:
    nothing = ArticleSelection(since=date(2099, 1, 1))
    with pytest.raises(ExportError, match="no article matches"):
        write_partitioned(tmp_path / "x", rows_of(connection, nothing, by_month=True))
    assert not any(tmp_path.iterdir())
    assert write_articles(tmp_path / "x.parquet", rows_of(connection, nothing)) == 0
    frame = polars.read_parquet(tmp_path / "x.parquet")
    assert (frame.height, frame.schema["tags"]) == (0, polars.List(polars.String))


def test_rows_come_in_groups_and_pieces(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_GROUP", 1)
    monkeypatch.setattr("archive.export.articles._MANY", 4)
    chunks = list(chunks_of(".parquet", each_row(connection)))
    file = pyarrow.parquet.ParquetFile(io.BytesIO(b"".join(chunks)))
    assert file.num_row_groups == -(-len(MADE) // 4)
    assert file.read().to_pylist() == lines(connection)


def test_without_pyarrow_it_says_what_to_install(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(article_files, "find_spec", lambda _: None)
    with pytest.raises(ExportError, match=r"pip install 'sacho\[parquet\]'"):
        write_articles(tmp_path / "x.parquet", each_row(connection))
    with pytest.raises(ExportError, match="pyarrow"):
        write_partitioned(tmp_path / "x", each_row(connection))
    assert not any(tmp_path.iterdir())


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORDS = st.lists(TEXTS, max_size=3).map(tuple)
BEGIN = datetime(1990, 1, 2, tzinfo=KST)
TIMES = st.none() | st.integers(0, 40 * 365 * 86_400_000_000).map(
    lambda microseconds: BEGIN + timedelta(microseconds=microseconds)
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "headline": TEXTS,
                "subheadlines": WORDS,
                "tags": WORDS,
                "section": TEXTS,
                "body": st.lists(TEXTS.filter(bool), max_size=3).map(tuple),
                "published_at": TIMES,
                "modified_at": TIMES,
                "authors": st.lists(st.builds(Author, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
                "images": st.lists(st.builds(Image, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
                "removed": st.lists(st.builds(Removed, TEXTS, TEXTS), max_size=2).map(tuple),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(
    max_examples=of_costly(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_article_comes_back(
    tmp_path_factory: pytest.TempPathFactory, facts: list[dict[str, Any]]
) -> None:
    made: list[Article] = [article(number, **each) for number, each in enumerate(facts)]
    url = url_of(tmp_path_factory.mktemp("any") / "i.sqlite3")
    with Index(url) as index:
        enter(index, made)
        with index.reading() as connection:
            data = b"".join(chunks_of(".parquet", each_row(connection)))
            expected = lines(connection)
    found = pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
    assert found == expected
    for one, back in zip(made, found, strict=True):
        assert back["headline"] == as_stored(one.headline)
        assert back["published_at"] == one.published_at
        assert back["body"] == as_stored(one.text)
        assert [Author(**each) for each in back["authors"]] == [
            Author(*map(as_stored, (each.name, each.role, each.email))) for each in one.authors
        ]
