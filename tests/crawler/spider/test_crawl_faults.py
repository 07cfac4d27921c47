"""An outlet with every fault: each address has one outcome; later crawls store the rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from archive.index.database import IndexUnusableError
from archive.model.errors import SegmentError
from archive.model.outcome import Outcome, Reason, Verdict
from crawler.extraction.reading import read_exchange
from crawler.middlewares.failures import verdict_of
from crawler.outlets import outlet_named
from tests.support.archives.warc_samples import exchange
from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.fault_server.bombs import bomb
from tests.support.fault_server.crawls import measured
from tests.support.mock_site import etoday
from tests.support.mock_site.canary import Canary
from tests.support.mock_site.story import etoday_seed
from tests.support.processes.cli import CommandResult, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.mock_site.server import MockSite

STORED = "new"
EACH = 2  # articles a fault
PLAIN = 20


@dataclass(frozen=True)
class Met:
    """A fault of two articles and its outcome; ``heals`` if a later crawl can store them."""

    kind: str
    outcome: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def heals(self) -> bool:
        return self.outcome.startswith(("failed", "unparsed"))


MET = (
    Met("reset", "failed/connection_lost"),
    Met("short", "failed/dataloss"),
    Met("status", "failed/http_status", {"status": 500}),
    Met("status", "failed/http_status", {"status": 403}),
    Met("status", "failed/http_status", {"status": 429}),
    Met("status", "skipped/http_status", {"status": 404}),
    Met("status", "skipped/http_status", {"status": 410}),
    Met("soft_404", "unparsed/soft_404"),
    Met("login", "unparsed/login_wall"),
    Met("consent", "unparsed/consent_wall"),
    Met("challenge", "unparsed/bot_challenge"),
    Met("challenge", "failed/http_status", {"status": 403}),
    Met("html", "unparsed/no_layout"),
    Met("empty", "unparsed/empty_body"),
    Met("front", "skipped/redirect_to_front"),
    Met("loop", "failed/too_many_redirects"),
    Met("private", "failed/address_refused"),
    Met("private", "failed/address_refused", {"to": "http://127.0.0.1:CANARY/"}),
    Met("private", "failed/address_refused", {"to": "http://localhost:CANARY/"}),
    Met("private", "failed/address_refused", {"to": "http://[::ffff:127.0.0.1]:CANARY/"}),
    Met("private", "failed/address_refused", {"to": "http://10.0.0.1:CANARY/"}),
    Met("private", "failed/request_refused", {"to": "file:///etc/passwd"}),
    Met("bad_gzip", "unparsed/bad_content"),
    Met("cut_gzip", "unparsed/bad_content"),
    Met("bomb", "unparsed/too_large", {"megabytes": 500}),
    Met("bomb", "unparsed/too_large", {"megabytes": 500, "coding": "br"}),
    Met("bomb", "unparsed/unknown_coding", {"megabytes": 500, "coding": "zstd"}),
    Met("headers", "failed/head_too_large"),
    Met("hang", "failed/timeout"),
    Met("slow_head", "failed/timeout", {"amount": 0.5}),
    Met("odd_head", STORED),
    Met("nesting", STORED, {"depth": 400}),
    Met("nesting", "unparsed/no_layout", {"depth": 20_000}),
    Met("refresh", STORED, {"to": "http://127.0.0.1:CANARY/"}),
    Met("charset", STORED, {"label": "euc-kr"}),
    Met("charset", STORED, {"encode": "cp949", "label": "utf-8"}),
    Met("charset", STORED, {"encode": "cp949", "label": ""}),
    Met("charset", STORED, {"label": ""}),
)


@dataclass
class Sick:
    """A crawl of a mock site with every fault, as it ended."""

    crawls: Crawls
    canary: Canary
    met: dict[str, Met]
    said: CommandResult
    memory: float

    @property
    def site(self) -> MockSite:
        return self.crawls.site


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sick]:
    with Canary() as canary, site_of_today("etoday", len(MET) * EACH + PLAIN) as site:
        met = dict(zip(site.ids(), MET * EACH, strict=False))
        for fault in MET:
            ids = "|".join(article_id for article_id, other in met.items() if other is fault)
            # made now: the mock site has but one thread, and others would wait for it
            if fault.kind == "bomb":
                bomb(fault.options["megabytes"], fault.options.get("coding", "gzip"))
            options = {name: _aimed(value, canary) for name, value in fault.options.items()}
            site.fault(f"/view/({ids})", fault.kind, **options)
        crawls = Crawls.into(tmp_path_factory.mktemp("sick"), site)
        # The port is no reason to refuse the canary: its address has to be.
        extra = {
            "DOWNLOAD_TIMEOUT": "8",
            "RETRY_TIMES": "1",
            "ALLOWED_PORTS": f"80,443,{canary.port}",
        }
        yield Sick(crawls, canary, met, *measured(crawls, **extra))


def _aimed(value: Any, canary: Canary) -> Any:
    return value.replace("CANARY", str(canary.port)) if isinstance(value, str) else value


def test_every_address_ends_in_the_outcome_of_its_fault(sick: Sick) -> None:
    expected = {
        article_id: sick.met[article_id].outcome if article_id in sick.met else STORED
        for article_id in sick.site.ids()
    }
    assert sick.crawls.outcomes() == expected
    assert sick.said.code == 1
    assert "Traceback" not in sick.said.err
    kinds = Counter(outcome.partition("/")[0] for outcome in expected.values())
    assert tally(sick.said.out) == {
        "discovered": len(expected),
        "stored": kinds["new"],
        "unchanged": 0,
        "failed": kinds["failed"] + kinds["unparsed"],
        "skipped": kinds["skipped"],
        "pending": 0,
    }
    told = Counter(row["source"] for row in sick.crawls.workspace.rows("outcomes"))
    assert set(told.values()) == {1}
    assert len(told) == len(expected)
    assert sick.canary.reached == []
    assert sick.site.strays() == []
    sick.crawls.check_captures()


def test_no_fault_takes_much_memory(sick: Sick) -> None:
    print(f"at most {sick.memory:.0f} MiB")
    assert sick.memory < 300


def test_only_articles_are_stored_and_no_character_is_damaged(sick: Sick) -> None:
    told = sick.crawls.revisions()
    stored = [
        article_id
        for article_id in sick.site.ids()
        if article_id not in sick.met or sick.met[article_id].outcome == STORED
    ]
    assert sorted(told) == stored
    for article_id in stored:
        (revision,) = told[article_id]
        story = sick.site.story(article_id)
        assert (revision["headline"], revision["body"]) == (
            story.headline,
            "\n\n".join(story.paragraphs),
        )


def test_every_exchange_with_an_answer_is_kept(sick: Sick) -> None:
    sent = Counter(
        entry.raw
        for entry in sick.site.requests()
        if entry.fault not in ("reset", "hang", "slow_head", "headers")
    )
    kept = Counter(record.block for record in sick.crawls.records() if record.kind == "request")
    assert sent - kept == Counter()


def test_a_replay_of_what_was_kept_stores_the_same_and_no_half_page(sick: Sick) -> None:
    again = Crawls(sick.site, Workspace(sick.crawls.workspace.folder / "again"))
    said = again.workspace.run("replay", sick.crawls.workspace.archive)
    assert said.code == 1, said
    assert again.revisions() == sick.crawls.revisions()


def test_an_article_that_recovers_is_stored_by_the_next_crawl(sick: Sick) -> None:
    sick.site.heal()
    again = sick.crawls.make_due("outcome IN ('failed', 'unparsed')")
    assert again == sum(fault.heals for fault in sick.met.values())
    said = sick.crawls.run()
    assert said.code == 0, said
    assert tally(said.out)["stored"] == again
    stored = {
        article_id
        for article_id in sick.site.ids()
        if not sick.met.get(article_id, MET[0]).outcome.startswith("skipped")
    }
    assert set(sick.crawls.revisions()) == stored
    assert {len(revisions) for revisions in sick.crawls.revisions().values()} == {1}
    sick.crawls.check_captures()


def test_through_a_proxy_no_address_of_this_machine_is_reached(tmp_path: Path) -> None:
    with Canary() as canary, Canary("::1") as other, site_of_today("newspim", 24) as site:
        ids = iter(site.ids())
        named = f"http://localhost:{canary.port}/"
        targets = (
            canary.url,
            other.url,
            named,
            f"http://2130706433:{canary.port}/",
            f"https://127.1:{canary.port}/",
        )
        hit = {}
        for target in targets:
            for kind in ("private", "refresh"):
                hit[next(ids)] = kind
                site.fault(f"/view/{[*hit][-1]}", kind, to=target)
        site.plant(*targets)
        crawls = Crawls.into(tmp_path, site, proxied=True)
        said = crawls.run(ALLOWED_PORTS=f"80,443,{canary.port},{other.port}")
        assert (canary.reached, other.reached) == ([], [])
        assert said.code == 1, said
        refused = {
            article_id
            for article_id, outcome in crawls.outcomes().items()
            if outcome == "failed/address_refused"
        }
        assert refused == {article_id for article_id, kind in hit.items() if kind == "private"}
        assert len(crawls.revisions()) == 24 - len(refused)
        assert site.strays() == []


def test_half_a_page_is_no_article_however_it_reads() -> None:
    story = etoday_seed()
    page = etoday.render(story, "desktop-2020").encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    whole = exchange(url=etoday.address(story), head=head, body=page)
    assert read_exchange(whole, outlet_named("etoday")).verdict is None
    for reason in ("length", "disconnect", "time"):
        cut = replace(whole, body=page[: len(page) - 100], truncated=reason)
        assert str(read_exchange(cut, outlet_named("etoday")).verdict) == "unparsed/truncated"


def test_an_error_of_the_archive_or_the_index_is_one_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A full disk shows first where a copy of robots.txt is kept, in the midst of a request."""
    for error in (IndexUnusableError("the disk is full."), SegmentError("the disk is full.")):
        assert verdict_of(error) == Verdict(
            Outcome.FAILED, Reason.INTERNAL_ERROR, "the disk is full."
        )
    assert not caplog.records
    assert verdict_of(KeyError("x")).reason == Reason.INTERNAL_ERROR
    assert caplog.records
