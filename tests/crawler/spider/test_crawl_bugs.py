"""Exceptions in each stage of a page: the counts add up, and the next crawl completes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from crawler import settings
from tests.support.crawling import Crawls, tally, twin_of_today
from tests.support.faults.faulty import is_hit

if TYPE_CHECKING:
    from pathlib import Path

FAULTY = "tests.support.faults.faulty"
STAGES = {
    "first step": ("ITEM_PIPELINES", settings.ITEM_PIPELINES, {f"{FAULTY}.FaultyPipeline": 50}),
    "before the deposit": (
        "ITEM_PIPELINES",
        settings.ITEM_PIPELINES,
        {f"{FAULTY}.FaultyPipeline": 350},
    ),
    "downloader middleware": (
        "DOWNLOADER_MIDDLEWARES",
        settings.DOWNLOADER_MIDDLEWARES,
        {f"{FAULTY}.FaultyDownloaderMiddleware": 570},
    ),
    "spider middleware": ("SPIDER_MIDDLEWARES", {}, {f"{FAULTY}.FaultySpiderMiddleware": 500}),
}
ARTICLES = 60


@pytest.mark.parametrize("stage", STAGES)
def test_a_bug_costs_its_articles_until_it_is_mended(tmp_path: Path, stage: str) -> None:
    setting, ours, faulty = STAGES[stage]
    with twin_of_today("newspim", ARTICLES) as twin:
        hit = {article_id for article_id in twin.ids() if is_hit(article_id)}
        crawls = Crawls.into(tmp_path, twin)
        said = crawls.run(**{setting: json.dumps(ours | faulty)})
        assert said.code == 1
        figures = tally(said.out)
        assert (figures["discovered"], figures["failed"]) == (ARTICLES, len(hit))
        bad = {
            article_id
            for article_id, outcome in crawls.outcomes().items()
            if outcome == "failed/internal_error"
        }
        assert bad == hit
        assert set(crawls.revisions()) == set(twin.ids()) - hit
        crawls.check_captures()
        said = crawls.run()
        assert said.code == 0, said
        assert tally(said.out)["stored"] == len(hit)
        assert sorted(crawls.revisions()) == twin.ids()
        assert max(crawls.fetched()[article_id] for article_id in set(twin.ids()) - hit) == 1
        crawls.check_captures()


def test_a_bug_behind_the_deposit_costs_nothing_and_is_said(tmp_path: Path) -> None:
    with twin_of_today("newspim", ARTICLES) as twin:
        crawls = Crawls.into(tmp_path, twin)
        said = crawls.run(
            ITEM_PIPELINES=json.dumps(settings.ITEM_PIPELINES | {f"{FAULTY}.FaultyPipeline": 450})
        )
        assert said.code == 1
        hit = sum(map(is_hit, twin.ids()))
        assert f"{hit} unexpected exceptions in the log above" in said.err
        assert sorted(crawls.revisions()) == twin.ids()
        assert tally(said.out)["stored"] == ARTICLES
