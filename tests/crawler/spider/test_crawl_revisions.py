"""A mock site's articles edited, deleted and restored: revisions, and what commands print."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.crawling.crawls import Crawls, site_of_today

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.mock_site.server import MockSite
    from tests.support.mock_site.story import Story

NOTICE = "기사 가운데 3일은 4일의 잘못이므로 바로잡습니다."


def edits(story: Story) -> dict[str, tuple[dict[str, Any], list[str]]]:
    """By name an edit of each class, as fields of the mock site's story, and its classes.

    Newspim prints its byline in the first paragraph and no tags that are known.
    """
    first, *others = story.paragraphs
    newspim = len(story.article_id) == 14
    return {
        "headline": ({"headline": f"{story.headline} 모두"}, ["headline"]),
        "relabel": (
            {"headline": f"[종합2보] {story.headline.removeprefix('[종합] ')}"},
            ["relabel"],
        ),
        "correction": ({"paragraphs": (*story.paragraphs, NOTICE)}, ["correction", "body"]),
        "body": ({"paragraphs": (first, *others[1:], "새 문단이 하나 더 붙었다.")}, ["body"]),
        "byline": ({"reporter": "새기록"}, ["body", "byline"] if newspim else ["byline"]),
        "tags": ({"tags": ("새꼬리표",)}, [] if newspim else ["metadata"]),
        "time": (
            {"modified": (story.modified or story.published) + timedelta(minutes=1)},
            ["time_only"],
        ),
    }


#: Ways of taking down: the answer's status, and how `show` names it.
GONE = {"404": (404, "404"), "410": (410, "410"), "soft": (200, "deleted")}


class Crawled:
    """A mock site, crawled before and after one edit of each kind, and after restoring articles."""

    def __init__(self, site: MockSite, folder: Path) -> None:
        self.site = site
        self.crawls = Crawls.into(folder, site)
        assert self.crawls.run().code == 0
        # Of the whole ones: Etoday's very short items have no byline.
        whole = [site.story(i) for i in site.ids() if site.story(i).reporter]
        kinds = list(edits(whole[0]))
        self.edited = {kind: story.article_id for kind, story in zip(kinds, whole, strict=False)}
        self.gone = {
            kind: story.article_id for kind, story in zip(GONE, whole[len(kinds) :], strict=False)
        }
        self.wanted = {}
        for kind, article_id in self.edited.items():
            fields, self.wanted[kind] = edits(site.story(article_id))[kind]
            site.edit(article_id, **fields)
        for kind, (status, _) in GONE.items():
            site.delete(self.gone[kind], status)
        self.again()
        self.during = {record["article_id"]: record for record in self.crawls.workspace.export()}
        site.restore(self.gone["404"])
        site.restore(self.gone["soft"])
        site.edit(self.gone["soft"], headline="다시 올린 기사의 제목")
        self.again()

    def again(self) -> None:
        """Crawl everything once more, what was given up too."""
        self.crawls.make_due("1 = 1")
        said = self.crawls.run()
        assert said.code == 0, said

    def show(self, article_id: str, *options: str) -> str:
        said = self.crawls.workspace.call("show", *options, f"{self.site.outlet}/{article_id}")
        assert (said.code, said.err) == (0, "")
        return said.out


@pytest.fixture(scope="module", params=["etoday", "newspim"])
def crawled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crawled]:
    with site_of_today(request.param, 14) as site:
        yield Crawled(site, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize(
    "kind", ["headline", "relabel", "correction", "body", "byline", "tags", "time"]
)
def test_an_edit_is_a_revision_of_its_classes(crawled: Crawled, kind: str) -> None:
    revisions = crawled.crawls.revisions()[crawled.edited[kind]]
    wanted = crawled.wanted[kind]
    assert [revision["number"] for revision in revisions] == [1, 2]
    assert revisions[0]["change"] is None
    change = json.loads(revisions[1]["change"])
    # Every edit of the mock site's moves the time of change; where the page shows no tags, nothing else
    # is seen.
    assert change["classes"] == (wanted or ["time_only"])
    assert (change["words_added"] is None) == ("body" not in wanted)
    assert ", ".join(change["classes"]) in crawled.show(crawled.edited[kind])


def test_a_correction_is_shown_word_by_word(crawled: Crawled) -> None:
    assert f"{{+{NOTICE}+}}" in crawled.show(crawled.edited["correction"])
    assert NOTICE in crawled.show(crawled.edited["correction"], "--at", "9999-01-01")


@pytest.mark.parametrize("kind", GONE)
def test_a_deletion_is_history_and_no_revision(crawled: Crawled, kind: str) -> None:
    article_id = crawled.gone[kind]
    during = crawled.during[article_id]
    # one look: hours later a second one would have to confirm it
    assert (during["status"], during["deleted_at"]) == ("missing", None)
    assert during["deletion"]["first_seen_gone_at"] > during["captured_at"]
    assert during["body"]
    assert during["revision"] == 1
    out = crawled.show(article_id)
    assert f"{GONE[kind][1]} {during['url']}" in out
    after = {record["article_id"]: record for record in crawled.crawls.workspace.export()}[
        article_id
    ]
    assert after["status"] == ("missing" if kind == "410" else "published")
    assert ("reappearance" in out) == (kind != "410")
    assert after["revision"] == (2 if kind == "soft" else 1)
    at = crawled.show(article_id, "--at", during["deletion"]["first_seen_gone_at"])
    assert "   status  missing (first seen gone " in at
    assert during["headline"] in at


def test_nothing_else_is_missing(crawled: Crawled) -> None:
    records = {record["article_id"]: record for record in crawled.crawls.workspace.export()}
    assert [i for i, r in records.items() if r["status"] == "missing"] == [crawled.gone["410"]]
    assert {i for i, r in crawled.during.items() if r["status"] == "missing"} == set(
        crawled.gone.values()
    )


def test_a_replay_of_the_archive_gives_the_same_revisions(crawled: Crawled, tmp_path: Path) -> None:
    again = Crawls(crawled.site, type(crawled.crawls.workspace)(tmp_path))
    assert again.workspace.run("replay", crawled.crawls.workspace.archive).code in (0, 1)
    assert again.revisions() == crawled.crawls.revisions()
