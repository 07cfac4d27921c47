"""JSON-LD is read though it is not quite JSON, and is used only where it is the page's own article."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.extraction.html.jsonld import OwnPage, is_not_free, is_paid, own_facts
from tests.support.documents import SEEDS, read_bytes

HEADLINE = "달빛마을도서관 '기록의 날'…주민 손글씨 3200쪽, 한자리에 모였다"
URL = "https://www.etoday.co.kr/news/view/9000000002"
OTHER = "https://www.etoday.co.kr/news/view/9000000003"
OWN = OwnPage(
    "9000000002",
    URL,
    lambda url: url.rpartition("/")[2] if "/news/view/" in url else "",
    ("", HEADLINE),
)
TIME = "2018-03-02T09:10:00+09:00"


def article(**values: Any) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "datePublished": TIME,
    } | values


def times(*scripts: str) -> list[str]:
    return own_facts(scripts, OWN).get("datePublished", [])


@pytest.mark.parametrize(
    "script",
    [
        "<!--\n{}\n-->",
        "//<![CDATA[\n{}\n//]]>",
        "/*<![CDATA[*/ {} /*]]>*/",
        "<![CDATA[{}]]>",
        "// a note\n{}",
        '/* a note, with "marks" */ {} /* and another',
        "\ufeff{}",
        "{};",
        "[,{},]",
        "[{},,]",
        '{{"@graph": [{},],}}',
        '{{"@type": "WebSite",}} {}',
        '{{"@type": "WebPage", "mainEntity": {}}}',
    ],
)
def test_json_that_is_not_quite_json_is_read(script: str) -> None:
    own = json.dumps(article(headline=HEADLINE), ensure_ascii=False)
    assert times(
        script.replace("{{", "\0").replace("{}", own).replace("\0", "{").replace("}}", "}")
    )


def test_marks_within_a_text_are_its_own() -> None:
    script = '{"@type": "NewsArticle", "url": "%s", "a": "x // y", "b": "/* z */,]", "c": "]]>",}'
    facts = own_facts([script % URL], OWN)
    assert (facts["a"], facts["b"], facts["c"]) == (["x // y"], ["/* z */,]"], ["]]>"])


@pytest.mark.parametrize(
    "values",
    [
        {"headline": HEADLINE},
        {"headline": HEADLINE.replace("'", "&#39;") + " "},
        {"headline": HEADLINE[:20] + "…"},
        {"name": HEADLINE},
        {"url": URL},
        {"url": "/news/view/9000000002"},
        {"@id": URL + "#article"},
        {"mainEntityOfPage": URL},
        {"mainEntityOfPage": {"@type": "WebPage", "@id": URL}},
        {"identifier": "9000000002"},
        {"identifier": 9000000002},
        {"identifier": {"@type": "PropertyValue", "value": "9000000002"}},
        {"headline": "고친 제목", "url": URL},
    ],
    ids=str,
)
def test_own_article_is_used(values: dict[str, Any]) -> None:
    values = {
        key: v.replace("#article", "") if isinstance(v, str) else v for key, v in values.items()
    }
    assert times(json.dumps(article(**values))) == [TIME]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"headline": "다른 기사"},
        {"headline": HEADLINE[:3]},
        {"headline": "…"},
        {"url": OTHER},
        {"url": OTHER, "headline": HEADLINE},
        {"mainEntityOfPage": {"@id": OTHER}},
        {"identifier": "9000000003"},
        {"url": "https://example.org/", "headline": "다른 기사"},
        {"url": "http://[", "headline": None},
    ],
    ids=str,
)
def test_another_articles_facts_are_not_used(values: dict[str, Any]) -> None:
    assert times(json.dumps(article(**values))) == []


def test_the_article_that_agrees_in_most_is_used_at_any_position() -> None:
    other = article(headline="다른 기사", url=URL, datePublished="2011-01-01")
    own = article(headline=HEADLINE, url=URL)
    assert times(json.dumps([other, own])) == [TIME]
    assert times(json.dumps(own), json.dumps(other)) == [TIME]


@pytest.mark.parametrize("value", [False, "False", "false", "http://schema.org/False"])
def test_an_article_that_is_not_free_says_so(value: Any) -> None:
    assert is_paid(own_facts([json.dumps(article(url=URL, isAccessibleForFree=value))], OWN))
    part = {"@type": "WebPageElement", "isAccessibleForFree": value, "cssSelector": ".paid"}
    assert is_paid(own_facts([json.dumps(article(url=URL, hasPart=part))], OWN))
    assert not is_paid(own_facts([json.dumps(article(url=OTHER, isAccessibleForFree=value))], OWN))


@pytest.mark.parametrize("value", [True, "True", "true", None, "", {}, []])
def test_any_other_value_says_nothing_against_it(value: Any) -> None:
    assert not is_paid(own_facts([json.dumps(article(url=URL, isAccessibleForFree=value))], OWN))
    assert not is_not_free(str(value))


@settings(max_examples=300)
@given(st.text(alphabet='{}[]",:/*<!-CDAT\\ \n\ufeffab1가', max_size=200))
def test_any_script_is_read_or_ignored(script: str) -> None:
    assert isinstance(own_facts([script], OWN), dict)


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    )
)
def test_stray_commas_and_comments_change_no_value(extra: Any) -> None:
    plain = article(url=URL, extra=extra)
    text = json.dumps(plain, ensure_ascii=False, indent=1)
    marred = f"<!-- {text[:-1]}, /* end */ }} -->"
    assert own_facts([marred], OWN) == own_facts([text], OWN)


@pytest.mark.parametrize("part", ['"', '"\\', "/*", "//", ",", ", ", "[,", "<!--", " ", "{"])
def test_a_hostile_script_takes_no_long_time(part: str) -> None:
    assert own_facts([part * 300_000], OWN) == {}


def test_a_page_takes_its_times_from_its_own_article() -> None:
    page = (SEEDS / "etoday" / "own-desktop-2020.html").read_text("utf-8")
    other = json.dumps(article(headline="다른 기사", datePublished="2011-01-01T00:00:00+09:00"))
    own = json.dumps(article(headline=HEADLINE, datePublished=TIME, dateModified=TIME))
    scripts = "".join(
        f'<script type="application/ld+json">{each}</script>' for each in (other, own)
    )
    read = read_bytes("etoday", page.replace("</head>", f"{scripts}</head>"), url=URL).article
    assert read is not None
    assert read.published_at is not None
    assert read.published_at.isoformat() == TIME
    only = page.replace("</head>", f'<script type="application/ld+json">{other}</script></head>')
    foreign = read_bytes("etoday", only, url=URL).article
    assert foreign is not None
    assert foreign.published_at is not None
    assert foreign.published_at.isoformat() == TIME
