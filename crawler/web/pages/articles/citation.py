"""An article as literature to cite: BibTeX, and RIS as reference managers read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.cli.output.printable import printable

if TYPE_CHECKING:
    from archive.articles.queries import StoredArticle

#: Characters that mean something to TeX.
_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "{}$&#%_"},
}


def bibtex(stored: StoredArticle, outlet: str, address: str) -> str:
    """Return the entry of a revision.

    ``outlet`` is the outlet's own name, ``address`` the one to cite.
    """
    article = stored.article
    published = article.published_at
    fields = {
        "title": f"{{{_tex(article.headline)}}}",
        "author": " and ".join(f"{{{_tex(author.name)}}}" for author in article.authors),
        "journal": _tex(outlet),
        "date": f"{published:%Y-%m-%d}" if published is not None else "",
        "year": f"{published:%Y}" if published is not None else "",
        "url": _plain(article.url),
        "urldate": f"{stored.captured_at:%Y-%m-%d}",
        "langid": {"ko": "korean", "en": "english"}.get(article.language, ""),
        "note": _tex(f"Revision {stored.revision}, archived {stored.captured_at.isoformat()}: ")
        + f"\\url{{{_plain(address)}}}",
    }
    key = re.sub("[^0-9A-Za-z]+", "-", f"{article.outlet}-{article.article_id}").strip("-")
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@article{{{key},", *lines, "}", ""])


def ris(stored: StoredArticle, outlet: str, address: str) -> str:
    """Return the entry of a revision as RIS, lines ended by CR and LF; the rest as in `bibtex`."""
    article = stored.article
    published = article.published_at
    entries = [
        ("TY", "NEWS"),
        ("TI", article.headline),
        *(("AU", author.name) for author in article.authors),
        ("T2", outlet),
        ("PY", f"{published:%Y}" if published is not None else ""),
        ("DA", f"{published:%Y/%m/%d}" if published is not None else ""),
        ("LA", article.language),
        ("UR", article.url),
        ("Y2", f"{stored.captured_at:%Y/%m/%d}"),
        ("L2", address),
        ("N1", f"Revision {stored.revision}, archived {stored.captured_at.isoformat()}"),
    ]
    lines = [f"{tag}  - {printable(value)}" for tag, value in entries if value]
    return "\r\n".join([*lines, "ER  - ", ""])


def _tex(text: str) -> str:
    return "".join(_TEX.get(sign, sign) for sign in printable(text))


def _plain(url: str) -> str:
    """Return an address that ends no group of BibTeX's."""
    return printable(url).replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")
