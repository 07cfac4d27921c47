"""Scrapy's feeds beside the archive: what a crawl stores, with the fields and values of the export."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

from pipelines.item import item_fields
from tests.support.crawling.crawls import Crawls, site_of_today

if TYPE_CHECKING:
    from pathlib import Path

#: The fields of an export that are known only when the article's batch is in the index.
LATER = {"change", "deleted_at", "deletion", "revision", "warc"}


def test_feeds_hold_the_articles_of_the_export(tmp_path: Path) -> None:
    table, lines = tmp_path / "table.csv", tmp_path / "articles.jsonl"
    with site_of_today("newspim", 8) as site:
        crawls = Crawls.into(tmp_path, site)
        feeds = json.dumps({str(table): {"format": "csv"}})
        said = crawls.run("-O", str(lines), FEEDS=feeds, LOG_LEVEL="DEBUG")
        assert said.code == 0, said
        assert "<html" not in said.err, "no bytes of a page are logged"
        exported = {one["article_id"]: one for one in crawls.workspace.export()}
    items = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    assert sorted(item["article_id"] for item in items) == sorted(exported) != []
    for item in items:
        stored = exported[item["article_id"]]
        assert item == {name: value for name, value in stored.items() if name not in LATER}
    with table.open(encoding="utf-8", newline="") as file:
        rows = {row["article_id"]: row for row in csv.DictReader(file)}
    assert rows.keys() == exported.keys()
    for item in items:
        assert json.loads(rows[item["article_id"]]["authors"] or "[]") == item["authors"]
        assert rows[item["article_id"]]["headline"] == item["headline"]


def test_feeds_without_an_article_are_valid_and_a_table_has_one_header(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    feeds = {str(tmp_path / f"none.{form}"): {"format": form} for form in ("json", "jsonl", "xml")}
    with site_of_today("newspim", 3) as site:
        crawls = Crawls.into(tmp_path, site)
        said = crawls.run("-a", "discover=no", "-o", str(table), FEEDS=json.dumps(feeds))
        assert said.code == 0, said
        assert list(csv.reader(table.read_text("utf-8").splitlines())) == [item_fields()]
        said = crawls.run("-o", str(table))
        assert said.code == 0, said
    with table.open(encoding="utf-8", newline="") as file:
        assert len([row["article_id"] for row in csv.DictReader(file) if row["headline"]]) == 3
    assert table.read_text("utf-8").count("article_id") == 1
    assert json.loads((tmp_path / "none.json").read_text("utf-8")) == []
    assert (tmp_path / "none.jsonl").read_bytes() == b""
    assert len(fromstring((tmp_path / "none.xml").read_bytes())) == 0


def test_a_feed_on_standard_output_is_nothing_but_the_feed(tmp_path: Path) -> None:
    with site_of_today("newspim", 3) as site:
        said = Crawls.into(tmp_path, site).run("-o", "-", "-t", "jsonl")
    assert said.code == 0, said
    assert len([json.loads(line) for line in said.out.splitlines()]) == 3
    assert "discovered or due 3" in said.err


def test_an_unknown_format_is_a_sentence(tmp_path: Path) -> None:
    with site_of_today("newspim", 1) as site:
        said = Crawls.into(tmp_path, site).run("-o", "articles.docx")
    assert said.code == 2
    assert "Unrecognized output format 'docx'" in said.err
    assert "Traceback" not in said.err
