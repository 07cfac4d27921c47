"""Make an article of what a page prints: clean text, times in KST, parsed bylines and captions."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from archive.model.article import Article, Author, Image, Removed, content_key
from pipelines.bylines import EMAIL, assign_emails, find_byline, printed_emails, read_people
from pipelines.cpu_limit import limited
from pipelines.deck import find_deck
from pipelines.page import page_of
from pipelines.text import clean, clean_each, is_clean, is_damaged, language_of
from pipelines.time_sources import UNREAD_PUBLISHED, Stated, settle
from pipelines.times import Stamps, labelled_stamps, printed_stamps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipelines.page import Page, Printed, Rules

_A_LETTER = re.compile(r"[^\W\d_]")
#: The number of characters by which the language of an article is determined.
_SAMPLE = 200


def normalise(page: Page) -> Page:
    """Return the page with its article, if it prints anything.

    A time that can't be parsed is None; its printed form is kept.
    """
    printed = page.printed
    if printed is None:
        return page
    blocks = printed.blocks if printed.contained else _cleaned(printed.blocks)
    published, modified = _times(page, printed)
    contradicting = _contradicting(published, modified)
    authors, dateline = _authors(printed, blocks, page.rules)
    subheadlines = _cleaned(printed.subheadlines)
    if page.rules.deck and not subheadlines:
        subheadlines, blocks = find_deck(printed.header, blocks, page.rules.widgets)
    removed = _clean_spans(printed.removed)
    images, repeated = _images(printed.captions, page.rules)
    article = Article(
        outlet=page.outlet,
        article_id=page.article_id,
        url=page.url,
        aliases=_aliases(page),
        headline=_headline(printed.headline, page.rules),
        subheadlines=subheadlines,
        authors=authors,
        dateline=dateline,
        section=clean(printed.section),
        tags=tuple(dict.fromkeys(_cleaned(tag.lstrip("# ") for tag in printed.tags))),
        published_at=published.at,
        published_raw=published.raw,
        published_precision=published.precision,
        modified_at=modified.at,
        modified_raw=modified.raw,
        modified_precision=modified.precision,
        body=blocks,
        images=images,
        language=language_of(" ".join((printed.headline, *blocks))[:_SAMPLE], printed.lang),
        layout=printed.layout,
        flags=(
            *_flags(blocks, (span.text for span in removed), page.rules),
            *_time_flags(published, modified),
            *page.flags,
            *(("damaged_text",) if is_damaged("\n".join((printed.headline, *blocks))) else ()),
        ),
        removed=removed + repeated + contradicting,
    )
    if not article.article_id:
        article = replace(article, article_id=content_key(article))
    return replace(page, article=article)


def _aliases(page: Page) -> tuple[str, ...]:
    """Return the address of the capture if it is another one of the article."""
    if page.exchange.has_address and page.exchange.url != page.url and not page.is_foreign:
        return (page.exchange.url,)
    return ()


def _cleaned(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(clean_each(texts))


def _clean_spans(spans: tuple[Removed, ...]) -> tuple[Removed, ...]:
    if is_clean("\n".join(span.text for span in spans)):  # nearly every page
        return spans
    return tuple(Removed(span.rule, "\n".join(clean_each(span.text.split("\n")))) for span in spans)


def _headline(printed: str, rules: Rules) -> str:
    headline = clean(printed)
    for title in rules.site_titles:
        headline = headline.removesuffix(f" - {title}").strip()
    if headline.strip("-|: ") in rules.site_titles or not _A_LETTER.search(headline):
        return ""
    return headline


def _times(page: Page, printed: Printed) -> tuple[Stated, Stated]:
    """Return what the page states of its publication and of its modification.

    Where the layout's elements print no time after a label, the header block is searched for one.
    """
    base = page.exchange.captured_at
    stamps = printed_stamps(printed.times, printed.headline)
    header = Stamps()
    if printed.header and not stamps.are_both_printed:
        header = labelled_stamps(clean(printed.header), labels_only=True)
    published = settle(stamps.published or header.published, _cleaned(printed.published), base)
    modified = settle(stamps.modified or header.modified, _cleaned(printed.modified), base)
    if not published.raw and (stamps.published_empty or header.published_empty):
        published = settle("", _id_day(page), base)
        published = replace(published, raw="")
    return published, modified


def _id_day(page: Page) -> tuple[str, ...]:
    """Return the day that the article's id starts with, if ids of the outlet do."""
    if page.rules.id_day:
        day = _compiled(page.rules.id_day).match(page.article_id)
        if day:
            return (day["day"],)
    return ()


def _contradicting(published: Stated, modified: Stated) -> tuple[Removed, ...]:
    """Return the times that contradict the ones that are believed."""
    return tuple(
        Removed(f"contradicting_{name}", text)
        for name, stated in (("published", published), ("modified", modified))
        for text in stated.contradicting
    )


def _time_flags(published: Stated, modified: Stated) -> Iterator[str]:
    """Yield what is doubtful about the times: contradicted, not read, or taken from the id."""
    for name, stated in (("published", published), ("modified", modified)):
        if stated.contradicting:
            yield f"contradicting_{name}"
    if published.unread:
        yield UNREAD_PUBLISHED
    if modified.unread:
        yield "unread_modified"
    if published.at is not None and not published.raw:
        yield "published_from_id"


def _authors(
    printed: Printed, blocks: Sequence[str], rules: Rules
) -> tuple[tuple[Author, ...], str]:
    """Return the authors and the place of the dateline.

    They come from the byline elements, else from the body.
    """
    part = blocks if printed.contained else rules.widgets.article_part(blocks)
    byline = find_byline(part, lambda block: _is_apart(block, rules))
    people = dict.fromkeys(person for text in printed.bylines for person in read_people(text))
    known = {author.name: author for author in byline.authors}
    authors = tuple(_completed(person, known.get(person.name)) for person in people)
    emails = [
        email for text in (*printed.bylines, *printed.emails) for email in EMAIL.findall(text)
    ]
    return assign_emails(authors or byline.authors, emails + printed_emails(part)), byline.place


def _completed(person: Author, printed: Author | None) -> Author:
    """Return an author with the role and the address that the body prints of the same name."""
    if printed is None:
        return person
    return replace(person, role=person.role or printed.role, email=person.email or printed.email)


def _is_apart(block: str, rules: Rules) -> bool:
    """Whether a block is a widget's or a caption, which may have the form of a byline."""
    if rules.widgets.is_noise(block) and rules.widgets.line_rule(block):
        return True
    pattern = _any_of(rules.caption)
    return pattern is not None and pattern.fullmatch(block) is not None


@lru_cache(maxsize=64)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return one pattern for all, whose groups have no names; None for no patterns."""
    if not patterns:
        return None
    unnamed = (re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern in patterns)
    return re.compile("|".join(f"(?:{pattern})" for pattern in unnamed), re.DOTALL)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _images(
    captions: Iterable[tuple[str, str]], rules: Rules
) -> tuple[tuple[Image, ...], tuple[Removed, ...]]:
    """Return the images in order, each once, and the captions that are printed a second time."""
    images: list[Image] = []
    repeated: list[Removed] = []
    places: dict[tuple[str, ...], int] = {}  # by what a picture is known by: its first place
    for url, raw in captions:
        printed = clean(raw)
        image = _caption(url, printed, rules)
        known = min((places[key] for key in _sought(image) if key in places), default=None)
        if known is None:
            known = len(images)
            images.append(image)
        else:
            if printed:
                repeated.append(Removed("repeated_caption", printed))
            if images[known].url:
                continue
            places.pop(("", *_texts(images[known])), None)
            images[known] = image
        for key in _names(image):
            places[key] = min(known, places.get(key, known))
    return tuple(images), tuple(repeated)


def _texts(image: Image) -> tuple[str, str]:
    return image.caption, image.credit


def _names(image: Image) -> list[tuple[str, ...]]:
    """Return what a picture is known by: its address, and its caption, marked if it is alone."""
    names: list[tuple[str, ...]] = [(image.url,)] if image.url else []
    if image.caption:
        names.append(_texts(image))
    if image.caption and not image.url:
        names.append(("", *_texts(image)))
    return names


def _sought(image: Image) -> list[tuple[str, ...]]:
    """Return which names the same picture may have.

    Pictures with addresses are the same if these are equal, others if their captions are.
    """
    if not image.url:
        return [_texts(image)] if image.caption else []
    return [(image.url,), *([("", *_texts(image))] if image.caption else [])]


def _caption(url: str, printed: str, rules: Rules) -> Image:
    for pattern in rules.caption:
        match = _compiled(pattern).fullmatch(printed)
        if match:
            groups = match.groupdict(default="")
            credit = " ".join(
                text for name, text in groups.items() if name.startswith("credit") and text
            )
            return Image(url, groups["caption"].strip(), credit.strip())
    return Image(url, printed)


def _flags(blocks: Sequence[str], removed: Iterable[str], rules: Rules) -> tuple[str, ...]:
    if not rules.flags:
        return ()
    text = "\n".join((*blocks, *removed))
    return tuple(name for name, pattern in rules.flags if _compiled(pattern).search(text))


class NormalisePipeline:
    """Item pipeline that calls :func:`normalise`. Reads no settings."""

    def process_item(self, item: Page) -> Page:
        """Return the page with its article."""
        return limited(normalise, page_of(item))
