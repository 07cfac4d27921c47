"""Make an article of what a page prints: clean text, times in KST, parsed bylines and captions."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from archive.model.article import Article, Author, Image, Precision, Removed, content_key
from pipelines.bylines import EMAIL, Byline, assign_emails, read_dateline, read_people
from pipelines.text import clean, language_of
from pipelines.times import TimeError, labelled_stamps, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipelines.page import Page, Printed, Rules

#: The number of characters by which the language of an article is determined.
_SAMPLE = 200


def normalise(page: Page) -> Page:
    """Return the page with its article, if it prints anything.

    A time that can't be parsed is None; its printed form is kept.
    """
    printed = page.printed
    if printed is None:
        return page
    base = page.exchange.captured_at
    blocks = _cleaned(printed.blocks)
    published_raw, modified_raw = labelled_stamps(clean(printed.times))
    published_at, published_precision = _first_time((printed.published, published_raw), base)
    modified_at, modified_precision = _first_time((printed.modified, modified_raw), base)
    authors, dateline = _authors(printed, blocks, page.rules)
    removed = tuple(
        Removed(span.rule, "\n".join(_cleaned(span.text.split("\n")))) for span in printed.removed
    )
    images, repeated = _images(printed.captions, page.rules)
    article = Article(
        outlet=page.outlet,
        article_id=page.article_id,
        url=page.url,
        aliases=_aliases(page),
        headline=_headline(printed.headline, page.rules),
        subheadlines=_cleaned(printed.subheadlines),
        authors=authors,
        dateline=dateline,
        section=clean(printed.section),
        tags=tuple(dict.fromkeys(_cleaned(tag.lstrip("# ") for tag in printed.tags))),
        published_at=published_at,
        published_raw=published_raw or clean(printed.published),
        published_precision=published_precision,
        modified_at=modified_at,
        modified_raw=modified_raw or clean(printed.modified),
        modified_precision=modified_precision,
        body=blocks,
        images=images,
        language=language_of(" ".join((printed.headline, *blocks))[:_SAMPLE], printed.lang),
        layout=printed.layout,
        flags=_flags(blocks, (span.text for span in removed), page.rules),
        removed=removed + repeated,
    )
    if not article.article_id:
        article = replace(article, article_id=content_key(article))
    return replace(page, article=article)


def _aliases(page: Page) -> tuple[str, ...]:
    """Return the address of the capture if it is not the article's own."""
    if page.exchange.has_address and page.exchange.url != page.url:
        return (page.exchange.url,)
    return ()


def _cleaned(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for text in map(clean, texts) if text)


def _headline(printed: str, rules: Rules) -> str:
    headline = clean(printed)
    for title in rules.site_titles:
        headline = headline.removesuffix(f" - {title}").strip()
    if headline in rules.site_titles:
        return ""
    return headline


def _first_time(texts: Iterable[str], base: datetime) -> tuple[datetime | None, Precision | None]:
    for text in texts:
        try:
            return parse_time(text, base)
        except TimeError:
            continue
    return None, None


def _authors(
    printed: Printed, blocks: Sequence[str], rules: Rules
) -> tuple[tuple[Author, ...], str]:
    """Return the authors and the place of the dateline.

    They come from the byline elements, else from the first paragraph of the body.
    """
    part = rules.widgets.article_part(blocks)
    lead = next((block for block in part if not rules.widgets.line_rule(block)), "")
    byline = read_dateline(lead) or Byline(())
    authors: list[Author] = []
    for text in printed.bylines:
        authors += read_people(text)
    unique = tuple(dict.fromkeys(authors)) or byline.authors
    return assign_emails(unique, _emails(printed, part)), byline.place


def _emails(printed: Printed, blocks: Iterable[str]) -> list[str]:
    """Return the authors' addresses: of the elements that hold them, and of the body.

    In the body an author's address is alone on a line; one within a sentence is a source's.
    """
    emails: list[str] = []
    for text in (*printed.bylines, *printed.emails):
        emails += EMAIL.findall(text)
    return emails + [block for block in blocks if "@" in block and EMAIL.fullmatch(block)]


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _images(
    captions: Iterable[tuple[str, str]], rules: Rules
) -> tuple[tuple[Image, ...], tuple[Removed, ...]]:
    """Return the images in order, each once, and the captions that are printed a second time."""
    images: list[Image] = []
    repeated: list[Removed] = []
    for url, raw in captions:
        printed = clean(raw)
        image = _caption(url, printed, rules)
        twin = next((i for i, seen in enumerate(images) if _is_same_image(seen, image)), None)
        if twin is None:
            images.append(image)
            continue
        if printed:
            repeated.append(Removed("repeated_caption", printed))
        if not images[twin].url:
            images[twin] = image
    return tuple(images), tuple(repeated)


def _is_same_image(a: Image, b: Image) -> bool:
    if a.url and b.url:
        return a.url == b.url
    return bool(a.caption) and (a.caption, a.credit) == (b.caption, b.credit)


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
        return normalise(item)
