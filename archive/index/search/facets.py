"""The facets of a document: tokens for what a query chooses by besides words.

They are in a column of the full-text index, so that SQLite finds the newest articles of an outlet,
author or section as it finds those with a word. Each begins with a character that is in no token
of a text, one for each kind of facet. Authors and sections are spelled like texts, in tokens that
are marked so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from archive.index.search.text import SEAM, tokens
from archive.model.article import Quality

if TYPE_CHECKING:
    from archive.model.article import Article

#: In every document: what is searched for where a query names no word and no facet.
EVERY = "\ue003"
GENERIC = "\ue003g"
EDITED = "\ue003e"
_OUTLET, AUTHOR, SECTION = "\ue002", "\ue004", "\ue005"
#: FTS5's plainest tokenizer takes letters and digits, and any character above these, but no sign;
#: and it folds the case of letters. So others than small letters and digits are moved up.
_MOVED = {
    code: 0xE100 + code
    for code in range(128)
    if not (chr(code).isdigit() or "a" <= chr(code) <= "z")
}


def facets_of(article: Article, *, edited: bool) -> str:
    """Return the tokens of an article's facets; ``edited``: it has more than one revision."""
    found = [EVERY, outlet_token(article.outlet)]
    if article.quality is Quality.GENERIC:
        found.append(GENERIC)
    if edited:
        found.append(EDITED)
    # No phrase crosses from an author's name to the next one.
    names = [_marked_tokens(AUTHOR, author.name) for author in article.authors]
    found += filter(
        None, [f" {AUTHOR}{SEAM} ".join(names), _marked_tokens(SECTION, article.section)]
    )
    return " ".join(found)


@lru_cache(maxsize=4096)  # most are those of other articles, too
def _marked_tokens(kind: str, text: str) -> str:
    return " ".join(marked(kind, token) for token in tokens(text).split())


def plain_facets(facets: str) -> list[str]:
    """Return those of a document's facets that are one token each: no author or section."""
    return [one for one in facets.split() if one[0] not in (AUTHOR, SECTION)]


def outlet_token(name: str) -> str:
    """Return the token of an outlet."""
    return _OUTLET + name.translate(_MOVED)


def marked(kind: str, token: str) -> str:
    """Return a text's token as one of a facet of that kind."""
    return kind + token
