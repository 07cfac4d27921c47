"""Render the fixtures' pages as text by common tools, for `bench.renderings`.

Run ``python -m bench.render FOLDER``; it writes ``OUTLET/FIXTURE--TOOL.txt`` for each page of
``seeds/`` and each tool that is installed, and names the others with what they need. None of the
tools is a dependency of the project, so any Python may run it: this module imports nothing else.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEEDS = Path(__file__).parents[1] / "seeds"
#: Seconds that one tool may take for one page.
_LONGEST = 60


def main() -> int:
    """Write the renderings; return 1 if no tool is installed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the renderings go")
    folder: Path = parser.parse_args().folder
    used = 0
    for name, tool in TOOLS.items():
        if not tool.is_installed():
            print(f"{name}: left out, {tool.needs} is not installed")
            continue
        used += 1
        for page in _pages():
            target = folder / page.parent.name / f"{page.stem}--{name}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(tool.render(_html(page)), encoding="utf-8")
        print(f"{name}: done")
    return 0 if used else 1


def _pages() -> Iterator[Path]:
    """Yield the saved pages; a saved HTTP message is one of them with its head."""
    for path in sorted(SEEDS.glob("*/*.html")):
        if not path.read_bytes().startswith(b"HTTP/"):
            yield path


def _html(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Tools that are given text believe the charset that it states.
        return data.decode("cp949").replace('charset="euc-kr"', 'charset="utf-8"')


class Library:
    """A tool that is a Python package."""

    def __init__(self, needs: str, render: Callable[[Any, str], str]) -> None:
        self.needs = needs
        self._render = render

    def is_installed(self) -> bool:
        """Return whether its package is."""
        return find_spec(self.needs) is not None

    def render(self, html: str) -> str:
        """Return the text that it makes of a page."""
        return self._render(import_module(self.needs), html) or ""


class Program:
    """A tool that is a program: it reads a page from stdin and prints its text."""

    def __init__(self, *command: str) -> None:
        self.needs = command[0]
        self._command = command

    def is_installed(self) -> bool:
        """Return whether it is on the path."""
        return shutil.which(self.needs) is not None

    def render(self, html: str) -> str:
        """Return the text that it makes of a page.

        :raises subprocess.CalledProcessError: it fails.
        """
        return subprocess.run(
            self._command,
            input=html.encode(),
            stdout=subprocess.PIPE,
            check=True,
            timeout=_LONGEST,
        ).stdout.decode("utf-8", "replace")


def _readability(module: Any, html: str) -> str:
    document = module.Document(html)
    tree = import_module("lxml.html").fromstring(document.summary())
    return f"{document.short_title()}\n\n{tree.text_content()}"


def _inscriptis(module: Any, html: str) -> str:
    return str(module.get_text(html))


def _justext(module: Any, html: str) -> str:
    paragraphs = module.justext(html.encode(), module.get_stoplist("Korean"))
    return "\n".join(paragraph.text for paragraph in paragraphs)


def _resiliparse(html: str, *, main: bool) -> str:
    extract = import_module("resiliparse.extract.html2text").extract_plain_text
    return str(extract(html, main_content=main))


def _soup(module: Any, html: str, separator: str = "") -> str:
    soup = module.BeautifulSoup(html, "lxml")
    for node in soup(["script", "style"]):
        node.decompose()
    return str(soup.get_text(separator))


def _goose(module: Any, html: str) -> str:
    stop_words = import_module("goose3.text").StopWordsKorean
    article = module.Goose({"stopwords_class": stop_words}).extract(raw_html=html)
    return f"{article.title}\n\n{article.cleaned_text}"


_ELINKS = ("elinks", "-dump", "-dump-charset", "utf-8", "-force-html")
_W3M = ("w3m", "-dump", "-T", "text/html", "-I", "UTF-8", "-O", "UTF-8")
TOOLS: dict[str, Library | Program] = {
    "bs4": Library("bs4", _soup),
    "bs4-newline": Library("bs4", lambda module, html: _soup(module, html, "\n")),
    "bs4-space": Library("bs4", lambda module, html: _soup(module, html, " ")),
    "elinks": Program(*_ELINKS, "-dump-width", "1000"),
    # These break lines within Korean words, so that blanks are lost and won.
    "elinks-80": Program(*_ELINKS, "-dump-width", "80"),
    "goose": Library("goose3", _goose),
    "html-text": Library("html_text", lambda module, html: module.extract_text(html)),
    "html2text": Library("html2text", lambda module, html: module.html2text(html, bodywidth=0)),
    "html2text-78": Library("html2text", lambda module, html: module.html2text(html)),
    "inscriptis": Library("inscriptis", _inscriptis),
    "justext": Library("justext", _justext),
    "lynx-80": Program(
        "lynx", "-dump", "-stdin", "-width=80", "-assume_charset=utf-8", "-display_charset=utf-8"
    ),
    "markdownify": Library("markdownify", lambda module, html: module.markdownify(html)),
    "pandoc": Program("pandoc", "--from=html", "--to=plain", "--columns=80"),
    "pandoc-md": Program("pandoc", "--from=html", "--to=gfm", "--wrap=none"),
    "readability": Library("readability", _readability),
    "resiliparse": Library("resiliparse", lambda _, html: _resiliparse(html, main=False)),
    "resiliparse-main": Library("resiliparse", lambda _, html: _resiliparse(html, main=True)),
    "trafilatura": Library("trafilatura", lambda module, html: module.extract(html)),
    "trafilatura-html2txt": Library("trafilatura", lambda module, html: module.html2txt(html)),
    "trafilatura-md": Library(
        "trafilatura",
        lambda module, html: module.extract(html, output_format="markdown", with_metadata=True),
    ),
    "w3m": Program(*_W3M, "-cols", "1000"),
    "w3m-80": Program(*_W3M, "-cols", "80"),
}

if __name__ == "__main__":
    sys.exit(main())
