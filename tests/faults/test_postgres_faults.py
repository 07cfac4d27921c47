"""An index in PostgreSQL whose server refuses, ends connections, stops, or is full: sentences, and nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from archive.articles.queries import each_row, search
from archive.index.database import Index, IndexUnusableError
from archive.index.schema import captures
from archive.index.search.query import parse_query
from tests.support.archives.made_articles import article, enter
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.documents import SEEDS
from tests.support.faults.own_server import OwnServer
from tests.support.processes.cli import Workspace
from tests.support.processes.schedules import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.processes.cli import CommandResult


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with OwnServer() as made:
        yield made


def replay(url: str, folder: Path) -> CommandResult:
    """Replay a few pages into an index, as users do."""
    return Workspace(folder, {"INDEX_URL": url}).run("replay", SEEDS / "etoday")


def refusal(said: CommandResult) -> str:
    """The one sentence in which a verb says that it cannot work."""
    assert said.code == 1, said
    assert "Traceback" not in said.err
    (sentence,) = said.sentences
    return sentence


def test_a_wrong_password_is_a_sentence_without_the_password(
    server: OwnServer, tmp_path: Path
) -> None:
    server.do("CREATE ROLE asked LOGIN PASSWORD 'right'")
    server.ask_passwords_of("asked")
    said = replay(server.url("postgres", "asked", "wrong-one"), tmp_path)
    assert "does not accept this user and password" in refusal(said)
    assert "wrong-one" not in said.err + said.out
    assert "asks for a password" in refusal(replay(server.url("postgres", "asked"), tmp_path))


def test_an_unknown_host_and_a_database_that_is_not_there_are_sentences(
    server: OwnServer, tmp_path: Path
) -> None:
    unknown = "postgresql+psycopg://someone@no-such-host.invalid/index"
    sentence = refusal(replay(unknown, tmp_path))
    assert "no server of that name" in sentence or "cannot be reached" in sentence
    sentence = refusal(replay(server.url("not_there"), tmp_path))
    assert "there is no such database" in sentence


def test_a_user_needs_no_more_than_a_schema_of_its_own(server: OwnServer, tmp_path: Path) -> None:
    server.database("shared")
    server.do("CREATE ROLE plain LOGIN")
    url = server.url("shared", "plain")
    assert "the user lacks the right" in refusal(replay(url, tmp_path))
    server.do("CREATE SCHEMA AUTHORIZATION plain", database="shared")
    workspace = Workspace(tmp_path, {"INDEX_URL": url})
    assert workspace.run("replay", SEEDS / "etoday").code in (0, 1)
    for words in (("verify",), ("status",), ("search", "푸틴"), ("changes",)):
        said = workspace.run(*words)
        assert (said.code, said.err) == (0, ""), said
    found = "SELECT count(*) FROM plain.articles"
    assert server.ask(found, database="shared") > 1


def test_where_nothing_may_be_written_the_index_is_read(server: OwnServer) -> None:
    url = server.database("kept")
    with Index(url) as index:
        enter(index, [article(1)])
    server.do("ALTER DATABASE kept SET default_transaction_read_only = on")
    with Index(url, read_only=True) as index, index.reading() as connection:
        assert len(search(connection, parse_query("제목"), 5)[0]) == 1
    with Index(url) as index, pytest.raises(IndexUnusableError, match="takes no changes"):
        enter(index, [article(2)])


def test_too_many_connections_are_a_sentence(server: OwnServer, tmp_path: Path) -> None:
    server.do("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    said = replay(server.url("postgres", "crowded"), tmp_path)
    assert "too many connections" in refusal(said)


def test_statements_that_the_server_cuts_off_are_a_sentence(server: OwnServer) -> None:
    url = server.database("slow")
    with Index(url, brief=True) as index:
        server.do("ALTER DATABASE slow SET statement_timeout = 2000")
        with (
            pytest.raises(IndexUnusableError, match="raise it"),
            index.writing("outlet a") as connection,
        ):
            connection.exec_driver_sql("SELECT pg_sleep(60)")


def test_a_search_path_to_no_schema_is_named(server: OwnServer, tmp_path: Path) -> None:
    url = server.database("nowhere")
    server.do("ALTER DATABASE nowhere SET search_path = nowhere")
    said = refusal(replay(url, tmp_path))
    assert "create the schema that this user's search_path names" in said


def test_times_are_read_however_the_database_shows_them(server: OwnServer, tmp_path: Path) -> None:
    url = server.database("german")
    server.do("ALTER DATABASE german SET datestyle = 'German'")
    assert replay(url, tmp_path).code == 0
    with Index(url, read_only=True) as index, index.reading() as connection:
        assert connection.scalar(select(func.max(captures.c.captured_at))) is not None


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "EUC_KR"])
def test_a_database_that_does_not_hold_every_text_is_refused(
    server: OwnServer, encoding: str, tmp_path: Path
) -> None:
    own = f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    url = server.database(f"in_{encoding.lower()}", own)
    assert f"encoded as {encoding}" in refusal(replay(url, tmp_path))


def delete_cut_off(server: OwnServer, index: Index) -> None:
    """Begin to delete everything, and lose the connection."""
    with index.writing("outlet a") as connection:
        connection.exec_driver_sql("DELETE FROM aliases")
        assert server.end_connections("cut") > 0
        connection.exec_driver_sql("DELETE FROM captures")


def test_a_connection_that_is_ended_undoes_its_transaction_alone(server: OwnServer) -> None:
    url = server.database("cut")
    with Index(url) as index:
        enter(index, [article(1)])
        with pytest.raises(IndexUnusableError, match=r"try again when|cannot be reached"):
            delete_cut_off(server, index)
        enter(index, [article(2)])
        with index.reading() as connection:
            assert len(search(connection, parse_query("제목"), 5)[0]) == 2


@pytest.mark.parametrize("how", ["its connections are ended", "its server stops"])
def test_a_crawl_without_its_server_ends_and_the_next_goes_on(how: str, tmp_path: Path) -> None:
    with OwnServer() as server, site_of_today("newspim", 40) as site:
        url = server.database("index")
        made = Crawls.into(tmp_path, site)
        workspace = Workspace(tmp_path, {**made.workspace.settings, "INDEX_URL": url})
        crawls = Crawls(site, workspace)
        pace = {"DOWNLOAD_DELAY": "0.2", "CONCURRENT_REQUESTS_PER_DOMAIN": "1"}
        running = crawls.start(settings=pace, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_for(lambda: len(crawls.fetched()) > 3)
        if how == "its server stops":
            server.stop()
        else:
            assert server.end_connections("index") > 0
        _, err = running.communicate(timeout=240)
        if how == "its server stops":
            assert running.returncode == 1
            assert b"Traceback" not in err, err
            server.start()
            assert workspace.run("recover").code == 0
            assert workspace.run("verify").code == 0  # every record has its row
            assert len(articles_of(server)) > 1
        else:
            # A connection that nobody was using is opened again.
            assert running.returncode in (0, 1)
            assert b"Traceback" not in err, err
        again = crawls.run()
        assert again.code == 0, again
        assert len(articles_of(server)) == 40
        assert workspace.run("verify").code == 0


def articles_of(server: OwnServer) -> list[str]:
    """The ids of the articles that the index has, each once."""
    listed = server.ask("SELECT array_agg(article_id) FROM articles", database="index") or []
    assert len(listed) == len(set(listed))
    return list(listed)


def test_nul_is_stored_as_html_shows_it(server: OwnServer) -> None:
    given = {"headline": "제\0목", "body": ("a\0b \\u0000 \\\0",), "tags": ("c\0d", "\\u0000")}
    with Index(server.database("nul")) as index:
        enter(index, [article(1, **given)])
        with index.reading() as connection:
            ((kept, _),) = each_row(connection)
    assert kept["headline"] == "제�목"
    assert kept["body"] == "a�b \\u0000 \\�"
    assert kept["tags"] == '["c�d","\\\\u0000"]'


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_lone_surrogates_of_a_page_and_odd_bytes_of_its_address_are_stored_as_text(
    server: OwnServer, tmp_path: Path
) -> None:
    """JSON can write half a character, and a link any bytes; a database in UTF-8 holds neither."""
    url, pages = server.database("odd"), tmp_path / "pages"
    pages.mkdir()
    seed = SEEDS / "hankookilbo" / "own-desktop-2025.html"
    page, named = seed.read_text("utf-8"), '"headline": "'
    assert named in page
    (pages / seed.name).write_text(page.replace(named, f"{named}\\ud800", 1), "utf-8")
    stated = json.loads(seed.with_suffix(".json").read_text("utf-8"))
    stated["url"] += "?q=%ed%a0%80%ff\udcff\ud800é"
    (pages / seed.name).with_suffix(".json").write_text(json.dumps(stated))
    workspace = Workspace(tmp_path, {"INDEX_URL": url})
    said = workspace.run("replay", pages)
    assert (said.code, said.err) == (0, ""), said
    assert server.ask("SELECT headline FROM revisions", database="odd")[0] == "\ufffd"
    address = server.ask("SELECT url FROM captures", database="odd")
    assert address.endswith("?q=%ed%a0%80%ff%ED%B3%BF%ED%A0%80%C3%A9")
    verified = workspace.run("verify")
    assert verified.code == 0, verified


def test_a_full_disk_of_the_server_is_a_sentence_and_all_goes_on_when_there_is_room(
    server: OwnServer,
) -> None:
    small = server.folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=14m,mode=777", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts no small disk")
    try:
        space = small / "space"
        space.mkdir(mode=0o777)
        owner = server.folder.stat()
        os.chown(space, owner.st_uid, owner.st_gid)
        server.do(f"CREATE TABLESPACE small LOCATION '{space}'")
        url = server.database("crammed", "TABLESPACE small")
        Index(url).close()
        filler = small / "filler"
        room = os.statvfs(small)
        filler.write_bytes(bytes(room.f_bavail * room.f_frsize))
        with Index(url) as index:
            with pytest.raises(IndexUnusableError, match="free disk space on the server"):
                enter(index, [article(n, body=("가나다라마바사 " * 20_000,)) for n in range(40)])
            filler.unlink()
            enter(index, [article(1)])
            with index.reading() as connection:
                assert len(search(connection, parse_query("제목"), 5)[0]) == 1
    finally:
        server.do("DROP DATABASE IF EXISTS crammed WITH (FORCE)", "DROP TABLESPACE IF EXISTS small")
        subprocess.run(["umount", str(small)], check=False)
