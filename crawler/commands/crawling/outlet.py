"""``sacho outlet``: what helps to write an outlet's file: ``outlet new`` and ``outlet check``."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from archive.export.articles import replacing
from archive.model.data_folder import index_url
from archive.model.program import PROGRAM
from archive.runs.recorder import RunRecorder
from crawler.cli.base import Verb, number_option, usage_error
from crawler.cli.configuration.component_bugs import counting_component_bugs
from crawler.cli.configuration.components import (
    check_components,
    check_early_components,
    failure_of,
)
from crawler.cli.output.plural import counted
from crawler.cli.output.printable import json_text, print_json
from crawler.cli.output.tables import print_table
from crawler.cli.output.times import kst_minute
from crawler.cli.single_page import introduce, keep_nothing
from crawler.model.outlet import OutletError
from crawler.outlets import broken_outlets, outlet_named

if TYPE_CHECKING:
    import argparse

    from crawler.authoring.first_contact import Contact, ContactReport
    from crawler.authoring.new_outlet import Gathered
    from crawler.authoring.outlet_report import OutletCheck
    from crawler.model.outlet import Outlet
    from crawler.model.outlet_skeleton import Draft


#: Lines in no field that are printed.
_MOST_LINES = 10
#: Settings of a first contact that differ from a crawl's: it keeps little, and nothing for long.
_SETTINGS: dict[str, object] = {"ARCHIVE_IMAGES": False, "JOBDIR": None}


class Command(Verb):
    """Make or check the file of one outlet. Reads OUTLET_MODULES, what fetches CONTACT as well."""

    _folder: TemporaryDirectory[str] | None = None

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "new NAME ADDRESS|FILE ... | check NAME [options]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "new: make the file of an outlet from pages of it, saved (NAME.html; NAME.json beside "
            "it may state the url) or fetched by the rules of a crawl, save them as fixtures and "
            "write what they are read as beside them. It says why each fact is proposed and how "
            "sure it is (A to C); what the pages do not show is left out and listed. "
            "check: say what is wrong with an outlet's file, file and field, and read the pages "
            "that are saved for it (seeds/NAME of the checkout; for an outlet of yours, the folder "
            "fixtures/NAME beside its file): which source of each field is found and used on how "
            "many pages, what was left empty, and whether each page is read as the article "
            "expected beside it. --live is the first contact with an outlet: fetch its robots.txt, "
            "one page of every channel and a few articles by the rules of a crawl, and say what "
            "each channel lists, which facts held, which selectors are on no page and what works "
            "in their place, and what text is in no field. Nothing of it is kept, but by --report "
            "and --save. The exit status is 1 if anything is wrong. "
            f"Example: {PROGRAM} outlet check etoday"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of both."""
        super().add_options(parser)
        parser.add_argument(
            "--accept",
            action="store_true",
            help="check: write what each page is read as beside it, as the article expected of it "
            "from now on; compare every line with the page",
        )
        parser.add_argument(
            "--live", action="store_true", help="check: fetch a few pages; needs CONTACT"
        )
        parser.add_argument(
            "--articles",
            type=number_option,
            default=3,
            metavar="N",
            help="check --live: the most articles to fetch (default: 3)",
        )
        parser.add_argument(
            "--report", metavar="FILE", help="check --live: write the result to FILE as JSON"
        )
        parser.add_argument(
            "--save",
            action="store_true",
            help="check --live: save the articles' pages as fixtures of the outlet",
        )
        parser.add_argument("--json", action="store_true", help="check: print the result as JSON")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Apply the options; a first contact has an archive and an index of its own.

        :raises UsageError: an option needs another one.
        """
        # Scrapy makes what a crawl runs in after this.
        fetches = args[:1] == ["new"] and any(map(_is_address, args[2:]))
        self.requires_crawler_process = opts.live or fetches
        super().process_options(args, opts)
        assert self.settings is not None
        if not opts.live:
            if fetches:
                keep_nothing(self.settings)
            if opts.report or opts.save:
                raise usage_error("--report and --save are of check --live")
            return
        if opts.accept:
            raise usage_error("--accept is of pages that are saved, not of --live")
        check_early_components(self.settings)
        self._folder = TemporaryDirectory(prefix="sacho-contact-")
        folder = Path(self._folder.name)
        places = {
            "ARCHIVE_URL": str(folder / "archive"),
            "INDEX_URL": index_url(folder / "index.sqlite3"),
        }
        self.settings.setdict(_SETTINGS | places, priority="cmdline")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Do what the first argument names, and return the exit status.

        :raises UsageError: it names nothing, or the arguments are invalid.
        """
        if args[:1] == ["new"] and len(args) > 2:
            return self._make(args[1], args[2:])
        if len(args) != 2 or args[0] != "check":
            raise usage_error(
                "say what to do, and with which outlet: check NAME, or new NAME ADDRESS|FILE ..."
            )
        outlet = _outlet(args[1])
        if not opts.live:
            return self._check(outlet, opts)
        try:
            return self._meet(outlet, opts)
        finally:
            if self._folder is not None:
                self._folder.cleanup()

    def _make(self, name: str, given: list[str]) -> int:
        """Make an outlet and print what was found; return 1 if a page is not read.

        :raises UsageError: the name or a host is taken, or an argument is no page.
        """
        from crawler.authoring.new_outlet import Gathered, make_outlet, page_in

        gathered = Gathered()
        addresses = tuple(filter(_is_address, given))
        gathered.pages += [page_in(each) for each in given if each not in addresses]
        if addresses:
            failure = self._fetch(addresses, gathered)
            if failure:
                self._fail(failure)
                return 1
        made = make_outlet(name, gathered)
        _print_draft(made.draft)
        _print_check(made.check)
        print(
            f"{made.path}: compare it, and the articles beside the pages, with the pages; fill in "
            f"what is unknown, then run {PROGRAM} outlet check {name}"
        )
        return 1 if any(each.fault for each in made.check.readings) else 0

    def _fetch(self, addresses: tuple[str, ...], gathered: Gathered) -> str:
        """Fetch pages and what lists their site's articles; return why that failed, if it did.

        :raises UsageError: CONTACT is missing, or a component of the user's cannot be imported.
        """
        from crawler.authoring.page_fetch import PagesSpider

        assert self.settings is not None
        introduce(self.settings, addresses)
        check_components(self.settings)
        assert self.crawler_process is not None, "requires_crawler_process"
        crawler = self.crawler_process.create_crawler(PagesSpider)
        with redirect_stdout(sys.stderr):
            started = self.crawler_process.crawl(crawler, addresses=addresses, gathered=gathered)
            self.crawler_process.start()
        failure = failure_of(started, crawler.settings)
        if not failure and len(gathered.pages) < len(addresses):
            failure = "not every page could be fetched; the log above says why"
        return failure

    def _check(self, outlet: Outlet, opts: argparse.Namespace) -> int:
        """Check an outlet and print what was found; return 1 if anything is wrong."""
        # Imported here: Scrapy imports every command's module to run one of them.
        from crawler.authoring.goldens import write_golden
        from crawler.authoring.outlet_report import check_outlet_file

        try:
            check = check_outlet_file(outlet)
            if opts.accept:
                for each in check.readings:
                    if each.page is not None and each.page.article is not None:
                        write_golden(check.folder / each.name, each.page.article)
                check = check_outlet_file(outlet)
        except ValueError as error:
            self._fail(str(error))
            return 1
        if opts.json:
            print_json(check.as_values())
        else:
            _print_check(check)
        return 1 if check.faults else 0

    def _meet(self, outlet: Outlet, opts: argparse.Namespace) -> int:
        """Make the first contact and print what it shows; return 1 if anything is wrong.

        :raises UsageError: CONTACT is missing, or a component of the user's cannot be imported.
        """
        from crawler.authoring.first_contact import Contact, report_of

        contact = Contact(outlet)
        failure = self._crawl(outlet, contact, opts.articles)
        with self.open_index() as index:
            report = report_of(contact, index)
        if opts.report:
            with replacing(Path(opts.report)) as part:
                part.write_text(f"{json_text(report.as_values())}\n", "utf-8")
        if opts.json:
            print_json(report.as_values())
        else:
            _print_contact(report)
        if opts.save:
            _save(contact, outlet)
        for fault in filter(None, (failure, *report.faults)):
            print(f"{PROGRAM} outlet: {fault}", file=sys.stderr)
        return 1 if failure or report.faults else 0

    def _crawl(self, outlet: Outlet, contact: Contact, articles: int) -> str:
        """Crawl a few articles as `crawl` does; return why that ended early, ``""`` if not.

        :raises UsageError: CONTACT is missing, or a component of the user's cannot be imported.
        """
        from crawler.authoring.first_contact import ContactSpider
        from crawler.middlewares.identity import ContactError, check_contact
        from crawler.spider.loader import spider_class
        from crawler.spider.session import CrawlSession

        assert self.settings is not None
        try:
            check_contact(self.settings, set(outlet.crawled_hosts))
        except ContactError as error:
            raise usage_error(str(error)) from error
        assert self.crawler_process is not None, "requires_crawler_process"
        spider = spider_class(outlet, ContactSpider)
        spider.contact = contact  # type: ignore[attr-defined]  # it is a ContactSpider
        crawler = self.crawler_process.create_crawler(spider)
        check_components(crawler.settings)
        session = CrawlSession.of_run(crawler, RunRecorder("crawl", outlet=outlet.name))
        # What the crawl tells of single pages is in the report.
        with (
            redirect_stdout(sys.stderr),
            counting_component_bugs(crawler.settings, session.count_passed_over),
        ):
            started = self.crawler_process.crawl(crawler, limit=str(articles))
            self.crawler_process.start()
        if session.reason == "shutdown":
            self.was_stopped()
            return "it was stopped before its end"
        return failure_of(started, crawler.settings) or session.fault


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _print_draft(draft: Draft) -> None:
    """Print the facts of a new outlet, how sure each is and why, and what is unknown."""
    facts = [("title", draft.title), ("canonical", draft.canonical)]
    facts += [("articles", each) for each in draft.articles]
    facts += [("page_title", draft.page_title), *draft.sources.items()]
    facts += [(f"channel ({kind.lower()})", fact) for kind, fact in draft.channels]
    rows = [(name, fact.value, fact.confidence, fact.why) for name, fact in facts if fact]
    print_table(("field", "proposed", "sure", "why"), rows)
    print(f"unknown: {', '.join(draft.unknown)}")


def _save(contact: Contact, outlet: Outlet) -> None:
    """Save the pages of a contact as fixtures, and say where they are."""
    from crawler.authoring.fixtures import fixture_folder, save_page

    folder = fixture_folder(outlet.name)
    for url, exchange in contact.exchanges.items():
        address = outlet.identify(url)
        assert address is not None, "only articles are visited"
        note = f"Fetched from {exchange.url}. A publisher's page: not for publication."
        saved = save_page(exchange, folder, f"live-{address.article_id}", note)
        if saved is not None:
            print(f"saved: {saved}", file=sys.stderr)


def _print_contact(report: ContactReport) -> None:
    from crawler.authoring.outlet_report import source_rows

    print(f"{report.outlet.name}: first contact, {kst_minute(report.at)}")
    for origin, answer in report.robots.items():
        print(f"robots.txt of {origin}: {answer}")
    rows = [
        (
            each.channel,
            each.url,
            each.fault or "ok",
            kst_minute(each.newest) if each.newest else "",
            str(each.entries),
            str(each.articles),
        )
        for each in report.sources
    ]
    print_table(("channel", "address", "state", "newest", "entries", "articles"), rows, figures=2)
    for name, fact in report.facts.items():
        print(f"{name}: {fact}")
    for layout, tried in report.by_layout():
        print(f"\n{layout.name}, tried on {counted(len(tried), 'page')}")
        counts = source_rows(layout, [each.matches for each in tried])
        print_table(("field", "source", "found on", "used on"), counts, figures=2)
    pages = [
        (each.name, each.layout, each.fault or "read", ", ".join(each.empty))
        for each in report.readings
    ]
    print_table(("page", "layout", "state", "empty"), pages)
    lines = Counter(line for each in report.outside.values() for line in dict.fromkeys(each))
    for line, number in lines.most_common(_MOST_LINES):
        print(f"in no field, on {counted(number, 'page')}: {line}")
    if len(lines) > _MOST_LINES:
        print(f"in no field: {counted(len(lines) - _MOST_LINES, 'more line')} (--json)")
    for note in report.notes:
        print(f"note: {note}")


def _outlet(name: str) -> Outlet:
    """Return the outlet of that name.

    :raises OutletError: its file is broken.
    :raises UsageError: there is none.
    """
    try:
        return outlet_named(name)
    except OutletError as error:
        if name in broken_outlets():
            raise
        raise usage_error(str(error)) from error


def _print_check(check: OutletCheck) -> None:
    from crawler.authoring.outlet_report import source_rows

    outlet = check.outlet
    layouts, pages = counted(len(outlet.layouts), "layout"), counted(len(check.readings), "fixture")
    print(f"{outlet.name}: {layouts}, {pages} in {check.folder}")
    for layout, tried in check.by_layout():
        print(f"\n{layout.name}, tried on {counted(len(tried), 'fixture')}")
        rows = source_rows(layout, [each.matches for each in tried])
        print_table(("field", "source", "found on", "used on"), rows, figures=2)
    rows = [(each.name, each.layout, each.golden, ", ".join(each.empty)) for each in check.readings]
    print_table(("fixture", "layout", "golden", "empty"), rows)
    for note in check.notes:
        print(f"note: {note}")
    for fault in check.faults:
        print(f"{PROGRAM} outlet: {fault}", file=sys.stderr)
