"""The page of the documentation that the benchmark writes: the same for the same figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.extraction.tables import FALLBACK, OURS, markdown, rows_of
from bench.extraction.tools import TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.extraction.tables import Result

_HEAD = """\
# Benchmark of extraction

<!-- Written by `python -m bench.extraction`; do not edit. -->

`python -m bench.extraction` reads the same pages by Sacho's layouts and by other tools, and writes this page.

**What the figures can show.** Fixtures are pages that this project wrote, in the shape that each outlet's pages are known
to have, and Sacho's layouts were written with them in view: on them, and on their mutants, Sacho is favoured, and a full
score says that nothing broke, not that real pages are read so. Real pages are few, of few outlets, and their gold is what
other projects expect of them (Fundus, goose3, newspaper4k, htmldate). They are the publishers' and no part of this
repository. Sacho knows the outlets of these pages. Generic tools read any site, which a layout never does.
"""

_MEASURES = """\
## What is measured

Words are what stands between blanks and punctuation (`\\w+` after NFC); a Korean particle is part of its word.

| column | meaning |
| --- | --- |
| pages, read | pages given to the reader, and those of which it gives a body |
| body P, R, F1 | precision, recall and F1 of the body's words as a multiset, a mean over all pages |
| foreign lines | lines of the body of which less than half of the words are in any field of the article |
| widget lines | lines that the page prints among the text, by its golden no part of the article, that are in the body |
| headings | sub-headings of the body that are kept |
| headline, deck | equal to what is expected, blanks aside |
| day | the day of publication in Korea |
| published, modified | the time to the minute, with a zone |
| authors | the same names, all of them; mail addresses and roles aside |
| captions | captions of which a caption found has the same words (F1 of 0.9 or more, with or without the credit) |

`–`: the reader never gives it, or nothing is known of it. Another tool gets the page as text, decoded as Sacho decodes it;
it need not find out the charset. Of mutants only those kinds are taken that leave an article.
"""


def page(results: Sequence[Result], missing: Mapping[str, str], python: str) -> str:
    """Return the page; ``missing`` says of tools why they were not run."""
    parts = [_HEAD]
    for result in results:
        corpus = result.corpus
        parts.append(f"## {corpus.title}\n")
        parts.append(f"{len(corpus.cases)} pages, sha256 over names, bytes and gold:")
        parts.append(f"`{corpus.digest}`\n")
        parts.append(f"{markdown(rows_of(result))}\n")
        parts.append(f"{result.lead()}\n")
    if not any(each.corpus.name == "real" for each in results):
        parts.append("Real pages were not at hand.\n")
    parts += [_MEASURES, _readers(missing, python)]
    return "\n".join(parts)


def _readers(missing: Mapping[str, str], python: str) -> str:
    rows = [["reader", "version", "how it is used"]]
    rows.append([OURS, "this checkout", "the layouts of the page's outlet; nothing of others"])
    fallback = (
        "how pages are read that no layout reads: trafilatura, by our own rules of times and names"
    )
    if FALLBACK in missing:
        fallback = f"not run: {missing[FALLBACK]}"
    rows.append([FALLBACK, "this checkout", fallback])
    for tool in TOOLS:
        use = f"not run: {missing[tool.name]}" if tool.name in missing else tool.use
        rows.append([tool.name, tool.version, use])
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return (
        f"## Readers\n\nEach tool runs in an environment and a process of its own, by Python {python}; "
        f"`bench/extraction/requirements/` pins the versions of all that it needs.\n\n{table}\n"
    )
