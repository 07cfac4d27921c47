"""The language of search queries, read into a value that every database can be asked with.

Terms with blanks between them must all occur, each within words or across blanks. ``"…"`` is a
term with blanks in it, in no other spelling or reading. ``OR`` between two terms: at least one of
them; it binds closer than a blank. ``-`` before a term: it must not occur. ``outlet:``,
``author:`` and ``section:`` choose by these, ``since:`` and ``until:`` by the day of publication,
``edited:`` by whether an article has several revisions, ``quality:`` by how it was read. Authors
and sections are found as terms are, by parts and in other spellings. A query may be of fields
alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archive.index.search.hanja import readings
from archive.index.search.text import pairs, runs
from archive.model.article import SITE_PREFIX, Quality
from archive.model.normal_form import normalized
from archive.model.times import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

#: Spellings of one word in the outlets' and in North Korean texts: a query finds them all. Stored
#: text is never changed.
SYNONYMS: tuple[frozenset[str], ...] = (
    frozenset({"푸틴", "뿌찐"}),
    frozenset({"러시아", "로씨야"}),
    frozenset({"미사일", "미싸일"}),
    frozenset({"노동당", "로동당"}),
)
FIELDS = ("outlet", "author", "section", "edited", "since", "until", "quality")
#: What may follow ``quality:``.
QUALITIES = (*Quality, "any")
#: Fields that other search engines and our own export have. Refused, not taken for text.
_OTHER_FIELDS = (
    "after|article_id|authors|before|body|byline|caption|captured_at|date|day|from|headline"
    "|id|in|intitle|inurl|language|modified_at|published_at|site|source|status"
    "|subheadlines|tag|tags|title|to|url"
)
_WORD = re.compile(
    rf'(?P<minus>-?)"(?P<phrase>[^"]*)"|(?P<word>-?(?:{"|".join(FIELDS)}):"[^"]*"|\S+)', re.I
)
_FIELD = re.compile(
    rf"(?P<minus>-?)(?P<name>{'|'.join(FIELDS)}|{_OTHER_FIELDS}):(?P<value>.*)", re.I
)


class QueryError(ValueError):
    """The query cannot be searched for; the message is a sentence with what to write instead."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens that must follow each other; with ``is_prefix`` the last may be longer."""

    tokens: tuple[str, ...]
    is_prefix: bool


#: Phrases of which one must occur.
Choice = tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for: of each of ``terms`` one phrase occurs, of ``excluded`` none.

    ``outlet`` is ``""`` for all; ``since`` and ``until`` are days of publication in KST, inclusive.
    ``quality`` is None for all. ``author`` and ``section`` are phrases of which one occurs there,
    ``()`` for all; ``edited`` is whether there is more than one revision, None for either.
    """

    terms: tuple[Choice, ...]
    excluded: Choice = ()
    outlet: str = ""
    since: date | None = None
    until: date | None = None
    quality: Quality | None = Quality.LAYOUT
    author: Choice = ()
    section: Choice = ()
    edited: bool | None = None


@dataclass(slots=True)
class _Draft:
    """The query as far as it is read."""

    text: str
    terms: list[Choice] = field(default_factory=list)
    excluded: list[Phrase] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    #: What the last word was: a term, or OR, or neither.
    last: str = ""

    def add_term(self, found: Choice) -> None:
        if self.last == "OR":
            self.terms[-1] += found
        else:
            self.terms.append(found)
        self.last = "term"

    def add_or(self) -> None:
        if self.last != "term":
            raise QueryError(
                f"OR stands between two terms, not so in {self.text!r}: write 푸틴 OR 김정은, or "
                '"OR" for the word itself'
            )
        self.last = "OR"

    def end_or(self, what: str) -> None:
        """Refuse ``what`` behind OR."""
        if self.last == "OR":
            raise QueryError(f"OR stands between two terms: {what} cannot follow it")
        self.last = ""


def parse_query(text: str) -> Query:
    """Return the query that a person wrote.

    :raises QueryError: it has no term and no field, or uses the language in a way that means
        nothing.
    """
    draft = _Draft(text)
    _refuse_groups(text)
    for found in _WORD.finditer(text):
        if found["word"] is None:
            _read_term(draft, found["minus"], exact_term(found["phrase"]))
        else:
            _read_word(draft, found["word"])
    draft.end_or("the end")
    if not draft.terms and not draft.fields:
        more = " besides those that must not occur" if draft.excluded else ""
        raise QueryError(
            f"nothing to search for in {text!r}: give at least one letter or digit{more}"
        )
    return Query(
        tuple(draft.terms),
        tuple(draft.excluded),
        draft.fields.get("outlet", "").strip('"'),
        _day(draft.fields, "since"),
        _day(draft.fields, "until"),
        _quality(draft.fields),
        _name(draft.fields, "author"),
        _name(draft.fields, "section"),
        _edited(draft.fields),
    )


def with_sites(query: Query) -> Query:
    """Return a query that finds what is kept of a site that it names: all of that is generic."""
    if query.outlet.startswith(SITE_PREFIX) and query.quality is Quality.LAYOUT:
        return replace(query, quality=None)
    return query


def _refuse_groups(text: str) -> None:
    words = text.split()
    if "OR" in words and any(word.count("(") != word.count(")") for word in words):
        raise QueryError(
            f"brackets do not group terms, as in {text!r}: OR takes the terms beside it, so write "
            "푸틴 OR 김정은 미사일"
        )


def _read_word(draft: _Draft, word: str) -> None:
    if word.startswith(('"', '-"')):
        raise QueryError(f"a quotation mark opens and none closes it in {draft.text!r}")
    if word == "OR":
        draft.add_or()
    elif word == "NOT":
        raise QueryError('write -김정은 for "not 김정은", or "NOT" for the word itself')
    elif word == "AND":  # a blank says the same
        draft.end_or("AND")
    elif named := _FIELD.fullmatch(word):
        _read_field(draft, named)
    else:
        minus = "-" if word.startswith("-") else ""
        _read_term(draft, minus, _term(word))


def _read_term(draft: _Draft, minus: str, found: Choice) -> None:
    if not found:  # a mark alone
        return
    if minus:
        draft.end_or("a term with -")
        draft.excluded += found
    else:
        draft.add_term(found)


def _read_field(draft: _Draft, named: re.Match[str]) -> None:
    name, value = named["name"].lower(), named["value"]
    known = ", ".join(f"{one}:" for one in FIELDS)
    if name not in FIELDS:
        raise QueryError(
            f'there is no field {name}: in queries; there are {known}. Write "{named[0]}" to find '
            "the text itself"
        )
    draft.end_or(f"{name}:")
    if named["minus"]:
        raise QueryError(f"{name}: cannot be excluded with -")
    if value.count('"') % 2:
        raise QueryError(f"a quotation mark opens and none closes it in {draft.text!r}")
    if not value.strip('"'):
        raise QueryError(f"{name}: has no value: write it without a blank, {name}:VALUE")
    if draft.fields.setdefault(name, value) != value:
        raise QueryError(f"{name}: is given twice, as {draft.fields[name]} and as {value}")


def _day(fields: dict[str, str], name: str) -> date | None:
    value = fields.get(name, "").strip('"')
    if not value:
        return None
    try:
        return parse_day(value)
    except ValueError as error:
        raise QueryError(f"{name}:{value} is not a valid date: write {name}:YYYY-MM-DD") from error


def _quality(fields: dict[str, str]) -> Quality | None:
    value = fields.get("quality", Quality.LAYOUT).strip('"').lower()
    if value not in QUALITIES:
        known = ", ".join(QUALITIES)
        raise QueryError(f"there is no quality:{value}; write one of {known} behind quality:")
    return None if value == "any" else Quality(value)


def _name(fields: dict[str, str], name: str) -> Choice:
    """Return the phrases of an author or section; in quotation marks, of this spelling only."""
    value = fields.get(name, "")
    if not value:
        return ()
    found = exact_term(value) if value.startswith('"') else _term(value)
    if not found:
        raise QueryError(f"{name}:{value} has no letter or digit to search for")
    return found


def _edited(fields: dict[str, str]) -> bool | None:
    value = fields.get("edited", "").strip('"').lower()
    if value not in ("", "yes", "no"):
        raise QueryError(f"there is no edited:{value}; write edited:yes or edited:no")
    return value == "yes" if value else None


def exact_term(text: str) -> Choice:
    """Return the phrase of a text as it is written; nothing if it has no letter or digit."""
    return tuple(filter(None, [_phrase(text)]))


def _term(text: str) -> Choice:
    """Return the phrases of a term in all its spellings and readings."""
    found = [_phrase(spelling) for spelling in dict.fromkeys(_spellings(text))]
    return tuple(dict.fromkeys(filter(None, found)))


def _spellings(term: str) -> Iterator[str]:
    yield term
    term = normalized("NFKC", term)
    for group in SYNONYMS:
        for word in group:
            if word in term:
                yield from (term.replace(word, other) for other in sorted(group - {word}))
    # The readings of a single character are those of many others.
    if sum(map(len, runs(term))) > 1:
        yield from readings(term)


def _phrase(text: str) -> Phrase | None:
    """Return the text's tokens: adjacent in the text searched for, adjacent in the one found."""
    found = runs(text)
    if not found:
        return None
    *whole, last = found
    tokens = [token for run in whole for token in (*pairs(run), run[-1])]
    # In a text a run's last character is a token that ends it; in a query the run may continue.
    tokens += pairs(last) if len(last) > 1 else [last]
    return Phrase(tuple(tokens), is_prefix=len(last) == 1)
