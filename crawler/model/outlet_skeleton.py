"""The file of a new outlet: its fields, what each wants, and nothing that is not known."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.model.layout import Confidence

_SKELETON = '''"""{name} (its name in Korean). Facts as of {month}.

Write beside each fact where it is from and how sure it is. Leave out what is not known.
"""

# Some are imported for whoever fills the file in.
from crawler.model.channels import Channel, Feed, ListPage, Sitemap  # noqa: F401  (see above)
from crawler.model.layout import Figure, Layout  # noqa: F401  (see above)
from crawler.model.outlet import Outlet
from pipelines.common_rules import with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule  # noqa: F401  (see above)

OUTLET = Outlet(
    name="{name}",  # that of this file
    title={title},  # the publication's name: "예시일보"
    # All hosts that serve its articles, that of mobile pages too.
    hosts={hosts},
    # The paths of its articles, with the id: r"/article/(?P<id>\\d+)".
    articles={articles},
    # The address of an article, with {{id}}, and other groups of the patterns.
    canonical={canonical},
    # Hosts of its pictures that are none of hosts.
    image_hosts=(),
    # A pattern found in the <title> of its pages only.
    page_title={page_title},
    per_day=0,  # articles a day, if a source states it: a crawl that finds too few then exits 1
    cron="7 * * * *",  # when a job that states no time is due (Asia/Seoul)
    # Page templates. A new one is appended; old ones stay, with their dates of use. Each field is
    # a tuple of sources, of which the first that yields text is used: "jsonld:KEY", "meta:NAME",
    # "json:PATH" in the data of a script, or a CSS selector. Fields that are left out are read
    # from the JSON-LD and the meta elements of the page.
    layouts=(
        Layout(
            name="page",
            # A: two sources, one recent; B: one good one; C: one old one, or an inference.
            confidence="{confidence}",
            since=None,  # the first and the last capture date, as date(2026, 11, 1)
            until=None,
            root="",  # the element with all of the article and no menu of the site
            body={body},  # containers of the text
{headline}{published}            subheadlines={subheadlines},
            times={times},  # elements with the printed times
{bylines}            emails=(),
            tags={tags},
            figures=(),  # Figure(box=…, caption=…)
            less_sure={less_sure},  # fields whose facts are weaker: (("emails", "C"),)
            seen=(),  # the days of the real pages that it was checked on
        ),
    ),
    # Where its articles are found, in order of preference:
    # Channel("sitemap", (Sitemap(ADDRESS),)), Channel("feed", (Feed(ADDRESS),)),
    # Channel("list", (ListPage(url=ADDRESS, link=SELECTOR),)).
    channels={channels},
    rules=Rules(
        widgets=with_common(),  # a WidgetRule for each block that is not the reporter's
        site_titles={site_titles},  # titles that are never headlines
    ),
    # What no source tells.
    unknown={unknown},
)
'''
_LAYOUT, _OUTLET = " " * 12, " " * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What was found of an outlet, why it is believed, and how sure that is."""

    value: str
    why: str
    confidence: Confidence

    def __str__(self) -> str:
        """Return the fact as a line: ``B: why``."""
        return f"{self.confidence}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is known of a new outlet; everything but name and host may be missing.

    ``sources`` are those of a layout's fields (body, headline, published, subheadlines, times,
    bylines, tags). ``channels`` are pairs of a kind, ``Feed`` or ``Sitemap``, and the fact that is
    its address.
    """

    name: str
    hosts: tuple[str, ...]
    title: Fact | None = None
    articles: tuple[Fact, ...] = ()
    canonical: Fact | None = None
    page_title: Fact | None = None
    sources: Mapping[str, Fact] = field(default_factory=dict)
    channels: tuple[tuple[str, Fact], ...] = ()
    unknown: tuple[str, ...] = ()


def skeleton(draft: Draft, month: str) -> str:
    """Return the text of the file of an outlet of which only a draft is known.

    ``month`` is when, as YYYY-MM.
    """
    title = draft.title.value if draft.title else ""
    return _SKELETON.format(
        name=draft.name,
        month=month,
        title=_text(title),
        hosts=_texts(draft.hosts),
        articles=_facts(draft.articles, _OUTLET, raw=True),
        canonical=_text(draft.canonical.value if draft.canonical else ""),
        page_title=_text(draft.page_title.value if draft.page_title else "", raw=True),
        confidence=_weakest(draft),
        body=_facts(_of_field(draft, "body"), _LAYOUT),
        headline=_line("headline", draft),
        published=_line("published", draft),
        subheadlines=_facts(_of_field(draft, "subheadlines"), _LAYOUT),
        times=_facts(_of_field(draft, "times"), _LAYOUT),
        tags=_facts(_of_field(draft, "tags"), _LAYOUT),
        bylines=_line("bylines", draft),
        less_sure=_less_sure(draft),
        channels=_channels(draft),
        site_titles=_texts((title,) if title else ()),
        unknown=_lines(draft.unknown),
    )


def _of_field(draft: Draft, name: str) -> tuple[Fact, ...]:
    return (draft.sources[name],) if name in draft.sources else ()


def _weakest(draft: Draft) -> Confidence:
    """Return the rating of what an article needs: that of its weakest fact."""
    known = [
        draft.sources[name].confidence for name in ("body", "headline") if name in draft.sources
    ]
    return max(known, default="C")


def _less_sure(draft: Draft) -> str:
    rating = _weakest(draft)
    weaker = [
        f'("{name}", "{fact.confidence}")'
        for name, fact in draft.sources.items()
        if fact.confidence > rating
    ]
    if len(weaker) < 2:
        return f"({weaker[0]},)" if weaker else "()"
    lines = "".join(f"{_LAYOUT}    {each},\n" for each in weaker)
    return f"(\n{lines}{_LAYOUT})"


def _line(name: str, draft: Draft) -> str:
    """Return the line of a field that has a default, ``""`` where that is kept."""
    facts = _of_field(draft, name)
    return f"{_LAYOUT}{name}={_facts(facts, _LAYOUT)},\n" if facts else ""


def _facts(facts: tuple[Fact, ...], indent: str, *, raw: bool = False) -> str:
    """Return a tuple of facts, a line each, with why behind a comment's mark before it."""
    if not facts:
        return "()"
    lines = [f"{indent}    # {fact}\n{indent}    {_text(fact.value, raw=raw)},\n" for fact in facts]
    return f"(\n{''.join(lines)}{indent})"


def _channels(draft: Draft) -> str:
    if not draft.channels:
        return "()"
    inner = f"{_OUTLET}    "
    lines = []
    numbers: Counter[str] = Counter()
    for kind, fact in draft.channels:
        numbers[kind] += 1
        name = kind.lower() if numbers[kind] == 1 else f"{kind.lower()}_{numbers[kind]}"
        address = f"{inner}    ({kind}({_text(fact.value)}),),\n"
        rating = f'{inner}    confidence="{fact.confidence}",\n'
        lines.append(
            f'{inner}# {fact}\n{inner}Channel(\n{inner}    "{name}",\n{address}{rating}{inner}),\n'
        )
    return f"(\n{''.join(lines)}{_OUTLET})"


def _lines(texts: tuple[str, ...]) -> str:
    """Return a tuple of texts, a line each."""
    if not texts:
        return "()"
    lines = [f"{_OUTLET}    {_text(text)},\n" for text in texts]
    return f"(\n{''.join(lines)}{_OUTLET})"


def _texts(texts: tuple[str, ...]) -> str:
    return f"({', '.join(map(_text, texts))},)" if texts else "()"


def _text(text: str, *, raw: bool = False) -> str:
    """Return a text as Python has it, in double quotes where that can be."""
    if '"' in text or not text.isprintable():
        return repr(text)
    if raw and re.search(r"\\", text) and not text.endswith("\\"):
        return f'r"{text}"'
    return '"' + text.replace("\\", "\\\\") + '"'
