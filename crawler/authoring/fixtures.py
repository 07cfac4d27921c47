"""An outlet's fixtures: pages saved beside its file, read, and compared with what is expected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.model.article import Article
from crawler import outlets
from crawler.authoring.field_sources import SourceMatch, match_sources
from crawler.authoring.goldens import ARTICLE, golden_of, sidecar, sidecar_bytes, values_of
from crawler.extraction.extract import document_of, open_page
from crawler.extraction.judge import judge
from crawler.extraction.reading import read_by_layouts
from crawler.model.layout import choose
from crawler.offline.files import PAGE_ENDINGS, read_file
from pipelines.cpu_limit import TooCostlyError

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from crawler.model.layout import Layout
    from crawler.model.outlet import Outlet
    from pipelines.page import Page

#: The folders of fixtures: of this project's outlets, and of others, beside their files.
_OURS, _THEIRS = "seeds", "fixtures"
#: The fields of a record, of which a reading says which are empty.
ARTICLE_FIELDS = tuple(values_of(Article(outlet="", headline="")))


@dataclass(frozen=True, slots=True)
class PageReading:
    """What a page, a fixture or one that was fetched, is read as.

    ``name`` is that of its file, or its address. ``fault`` is why no article was read, ``""`` if
    one was; ``layout`` is the name of the layout that read it, or would be tried first. ``matches``
    are what that layout's sources find: none in a text. ``empty`` are the article's fields without
    a value. ``differing`` are the fields that are not as expected; None if no article is expected
    yet.
    """

    name: str
    page: Page | None
    fault: str
    layout: str = ""
    matches: tuple[SourceMatch, ...] = ()
    empty: tuple[str, ...] = ()
    differing: tuple[str, ...] | None = None

    @property
    def golden(self) -> str:
        """Whether it is read as expected: ``equal``, ``differs``, or ``none`` is expected."""
        if self.differing is None:
            return "none"
        return "differs" if self.differing else "equal"


def fixture_folder(name: str) -> Path:
    """Return the folder of the fixtures of the outlet of that name; it need not exist.

    :raises KeyError: there is no such outlet.
    """
    spec = find_spec(outlets.module_of(name))
    assert spec is not None, "the outlet was imported from it"
    assert spec.origin is not None, "the outlet was imported from it"
    return fixture_folder_beside(Path(spec.origin), name)


def fixture_folder_beside(file: Path, name: str) -> Path:
    """Return the folder of the fixtures of an outlet whose file is, or will be, at that path."""
    folder = file.resolve().parent
    own = Path(outlets.__file__).resolve().parent
    return own.parents[1] / _OURS / name if folder == own else folder / _THEIRS / name


def fixture_files(folder: Path) -> list[Path]:
    """Return the saved pages of a folder, sorted by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PAGE_ENDINGS)


def read_fixture(path: Path, outlet: Outlet) -> PageReading:
    """Return what a saved page of the outlet is read as, beside what is expected.

    :raises ValueError: what stands beside it is no JSON object.
    """
    (given,) = read_file(path)
    if given.exchange is None:
        detail = given.verdict.detail if given.verdict else ""
        return PageReading(path.name, None, detail or str(given.verdict))
    reading = read_as(given.exchange, outlet, given.source, path.name)
    if reading.page is None or reading.page.article is None:
        return reading
    found = golden_of(reading.page.article)
    return replace(reading, differing=_differing(found, sidecar(path).get(ARTICLE)))


def read_as(exchange: Exchange, outlet: Outlet, source: str, name: str) -> PageReading:
    """Return what an exchange is read as, as a page of the outlet."""
    page = read_page(exchange, outlet, source)
    layout = tried_layout(page, outlet)
    matches = tuple(page_matches(page, outlet))
    if page.article is None:
        return PageReading(name, page, fault_of(page), layout.name if layout else "", matches)
    found = golden_of(page.article)
    empty = tuple(field for field in ARTICLE_FIELDS if field not in found)
    return PageReading(name, page, "", page.article.layout, matches, empty)


def save_page(exchange: Exchange, folder: Path, name: str, note: str) -> Path | None:
    """Save the document of an exchange as a fixture, None if it is none or the fixture exists.

    :raises OSError: it cannot be written.
    """
    document = document_of(exchange)
    path = folder / f"{name}.html"
    if document is None or path.exists() or path.with_suffix(".json").exists():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document)
    facts = {
        "captured_at": exchange.captured_at.isoformat(),
        "note": note,
        "url": exchange.url,
    }
    path.with_suffix(".json").write_bytes(sidecar_bytes(facts))
    return path


def read_page(exchange: Exchange, outlet: Outlet, source: str) -> Page:
    """Return the page of an exchange that a person, or a crawl, says is the outlet's."""
    return judge(read_by_layouts(exchange, outlet, source, believed=True), outlet)


def fault_of(page: Page) -> str:
    """Return why no article was read, in words; ``""`` if one was."""
    if page.article is not None:
        return ""
    detail = page.verdict.detail if page.verdict else ""
    return f"{page.verdict}: {detail}" if detail else str(page.verdict)


def tried_layout(page: Page, outlet: Outlet) -> Layout | None:
    """Return the layout that a page was read by, or the first that was tried; None without any."""
    tried = choose(outlet.layouts, page.exchange.captured_at.date())
    name = page.printed.layout if page.printed is not None else ""
    return next((each for each in tried if each.name == name), tried[0] if tried else None)


def page_matches(page: Page, outlet: Outlet) -> list[SourceMatch]:
    """Return what the sources of a page's layout find on it; nothing if it is no HTML."""
    layout = tried_layout(page, outlet)
    try:
        reader = open_page(page.exchange, outlet)
    except TooCostlyError:
        return []
    return match_sources(reader, layout) if reader is not None and layout is not None else []


def _differing(found: dict[str, Any], expected: Any) -> tuple[str, ...] | None:
    """Return the fields that are not as expected; None if nothing is expected."""
    if expected is None:
        return None
    if not isinstance(expected, dict):
        return (ARTICLE,)
    names = sorted(found.keys() | expected.keys())
    return tuple(name for name in names if found.get(name) != expected.get(name))
