"""Korean full text: syllable bigrams, so that two-syllable words are found and any substring matches.

Each run of Hangul or Hanja becomes overlapping two-syllable tokens and its last syllable; other
words stay whole. A query term becomes a phrase of the same tokens, a single syllable a prefix.
"""

from __future__ import annotations

import re
import unicodedata

_CJK = "가-힣㐀-䶿一-鿿豈-﫿"
_RUNS = re.compile(f"(?P<cjk>[{_CJK}]+)|[^\\W{_CJK}_]+")
#: Each syllable with the one behind it, if any, or a whole other word: all tokens of a text in one
#: pass.
_TOKENS = re.compile(f"(?=([{_CJK}]{{1,2}}))[{_CJK}]|([^\\W{_CJK}_]+)")

#: Spellings of one word in the outlets' and in North Korean texts, and Hanja: a query finds them
#: all. Stored text is never rewritten.
SYNONYMS: tuple[frozenset[str], ...] = (
    frozenset({"푸틴", "뿌찐"}),
    frozenset({"러시아", "로씨야"}),
    frozenset({"미사일", "미싸일"}),
    frozenset({"노동당", "로동당"}),
    frozenset({"북한", "北韓"}),
)


#: Words remembered, most: some 4 MB, and full after a few thousand articles, so that a long run
#: does not go on growing.
_REMEMBERED = 2**14


class QueryError(ValueError):
    """The query holds nothing that can be searched for."""


class _Words(dict[str, str]):
    """Search tokens by the word as it is written; forgets all when it holds too many."""

    def __missing__(self, word: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        folded = unicodedata.normalize("NFC", word).lower()
        self[word] = found = " ".join(
            [syllables or other for syllables, other in _TOKENS.findall(folded)]
        )
        return found


#: Words repeat: most of a text's are known, which makes this nine times as fast as reading them
#: anew. Folding a word gives what folding the text would: neither composition nor case looks past
#: white space.
_WORDS = _Words()


def tokens(text: str) -> str:
    """The text's search tokens, separated by spaces."""
    return " ".join(map(_WORDS.__getitem__, text.split()))


def match_expression(query: str) -> str:
    """The FTS5 MATCH expression for what a person typed: every term must occur, each as a phrase of its tokens.

    Nothing in it is FTS syntax: every token is quoted.

    :raises QueryError: no letter or digit is in the query.
    """
    terms = [_alternatives(term) for term in query.split()]
    terms = [term for term in terms if term]
    if not terms:
        raise QueryError(f"nothing to search for in {query!r}: give at least one letter or digit")
    return " AND ".join(terms)


def _alternatives(term: str) -> str:
    term = unicodedata.normalize("NFC", term).lower()
    spellings = [term]
    for group in SYNONYMS:
        spellings += [
            term.replace(word, other)
            for word in group
            if word in term
            for other in sorted(group - {word})
        ]
    phrases = [phrase for phrase in map(_phrase, dict.fromkeys(spellings)) if phrase]
    return f"({' OR '.join(phrases)})" if len(phrases) > 1 else "".join(phrases)


def _phrase(term: str) -> str:
    """The term's tokens as one phrase: what stands in it side by side stands so in the text."""
    words: list[str] = []
    runs = list(_RUNS.finditer(term))
    for run in runs:
        word = run[0]
        if not run.lastgroup:
            words.append(word)
            continue
        words += map(str.__add__, word, word[1:])
        # In the text a last syllable's token ends its word; behind the term the word may go on.
        if run is not runs[-1] or len(word) == 1:
            words.append(word[-1])
    if not words:
        return ""
    goes_on = runs[-1].lastgroup and len(runs[-1][0]) == 1
    return f'"{" ".join(words)}"{"*" if goes_on else ""}'
