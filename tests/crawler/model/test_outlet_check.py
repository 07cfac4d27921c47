"""A fault of an outlet's value is a sentence that begins with the path of its field."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from crawler.model.channels import Channel, Feed, ListPage, RisingIds, anchors
from crawler.model.layout import Figure, Layout, TextForm
from crawler.model.outlet import Outlet
from crawler.model.outlet_check import faults
from crawler.outlets import known_outlets
from pipelines.common_rules import with_common
from pipelines.page import Rules
from pipelines.widget_rules import WidgetRule

LAYOUT = Layout(name="page", confidence="B", body=("div.body",))
OUTLET = Outlet(
    name="ourpaper",
    title="우리신문",
    hosts=("news.ourpaper.example",),
    articles=(r"/(?P<section>\w+)/(?P<id>\d+)", r"/article/(?P<id>\d+)"),
    canonical="https://news.ourpaper.example/{section}/{id}",
    layouts=(LAYOUT,),
)
WALK = Channel("walk", walk=RisingIds(anchors=anchors("5 2024-01-02, 4 2024-01-03"), daily=9))


def of_layout(**changes: Any) -> Outlet:
    return replace(OUTLET, layouts=(LAYOUT.like("page", **changes),))


def of_rules(*rules: WidgetRule, **changes: Any) -> Outlet:
    return replace(OUTLET, rules=Rules(widgets=with_common(*rules), **changes))


@pytest.mark.parametrize(
    ("outlet", "sentence"),
    [
        (replace(OUTLET, title=3), "title: 3 is not a text"),
        (replace(OUTLET, per_day="300"), "per_day: '300' is not a number"),
        (replace(OUTLET, per_day=True), "per_day: True is not a number"),
        (replace(OUTLET, hosts="a.example"), "hosts: 'a.example' is not a tuple: a comma behind"),
        (replace(OUTLET, hosts=("a.example", 1)), "hosts[1]: 1 is not a text"),
        (replace(OUTLET, hosts=("https://a.example",)), "hosts[0]: 'https://a.example' is no host"),
        (replace(OUTLET, layouts=(OUTLET,)), "layouts[0]: Outlet("),
        (replace(OUTLET, articles=(r"/(\d+)",)), r"articles[0]: '/(\\d+)' lacks the group (?P<id>"),
        (
            replace(OUTLET, articles=("/(?P<id>",)),
            "articles[0]: '/(?P<id>' is no regular expression",
        ),
        (replace(OUTLET, canonical="https://a.example/"), "canonical: 'https://a.example/' is no"),
        (
            replace(OUTLET, canonical="https://a.example/{x}/{id}"),
            "canonical: no pattern of articles",
        ),
        (replace(OUTLET, canonical="https://a.example/{id"), "canonical: 'https://a.example/{id'"),
        (replace(OUTLET, channels=(WALK,)), "canonical: an id walk makes addresses of ids alone"),
        (of_layout(confidence="D"), "layouts[0].confidence: 'D' is not one of 'A', 'B', 'C'"),
        (of_layout(since="2024"), "layouts[0].since: '2024' is not a date or None"),
        (
            of_layout(since=date(2024, 1, 2), until=date(2024, 1, 1)),
            "layouts[0].until: 2024-01-01 is before since, 2024-01-02",
        ),
        (of_layout(body=("div..x",)), "layouts[0].body[0]: 'div..x' is no CSS selector"),
        (of_layout(body=("meta:x",)), "layouts[0].body[0]: 'meta:x' is in the page's head"),
        (of_layout(body=("div@id",)), "layouts[0].body[0]: 'div@id' is an attribute"),
        (of_layout(times=("p", "")), "layouts[0].times[1]: '' is no CSS selector"),
        (of_layout(headline=("jsonld:",)), "layouts[0].headline[0]: 'jsonld:' names nothing"),
        (of_layout(headline=("json:a..b",)), "layouts[0].headline[0]: 'json:a..b': '' is no step"),
        (of_layout(root="a..x"), "layouts[0].root: 'a..x' is no CSS selector"),
        (of_layout(figures=(Figure(box="["),)), "layouts[0].figures[0].box: '[' is no CSS"),
        (of_layout(less_sure=(("bodi", "C"),)), "layouts[0].less_sure[0]: 'bodi' is no field"),
        (
            of_layout(less_sure=(("body",),)),
            "layouts[0].less_sure[0]: ('body',) is not a tuple of 2",
        ),
        (replace(OUTLET, layouts=(LAYOUT, LAYOUT)), "layouts: 'page' is there twice"),
        (
            replace(OUTLET, text=TextForm(recognise=("[",), stamp="x")),
            "text.recognise[0]: '[' is no regular expression",
        ),
        (replace(OUTLET, channels=(Channel("a"),)), "channels[0]: a channel has either sources or"),
        (
            replace(OUTLET, channels=(Channel("a", (Feed("ftp://a.example"),)),)),
            "channels[0].sources[0].url: 'ftp://a.example' is no address",
        ),
        (
            replace(
                OUTLET, channels=(Channel("a", (ListPage(url="https://a.example/", link=""),)),)
            ),
            "channels[0].sources[0].link: '' is no CSS selector",
        ),
        (
            replace(OUTLET, channels=(Channel("a", (Feed("https://a.example"),), instead_of="b"),)),
            "channels[0].instead_of: there is no channel 'b'",
        ),
        (
            replace(OUTLET, canonical="https://a.example/{id}", channels=(WALK,)),
            "channels[0].walk.anchors[1]: number and day must be after those before it",
        ),
        (of_rules(WidgetRule(name="a b", line="x")), "rules.widgets[a b].name: a name has letters"),
        (of_rules(WidgetRule(name="a")), "rules.widgets[a]: a rule has css, body_css, line or"),
        (of_rules(WidgetRule(name="a", css="[")), "rules.widgets[a].css: '[' is no CSS selector"),
        (of_rules(WidgetRule(name="a", line="(")), "rules.widgets[a].line: '(' is no regular"),
        (of_rules(caption=("x",)), "rules.caption[0]: 'x' lacks the group (?P<caption>…)"),
        (of_rules(id_day=r"\d{8}"), "rules.id_day: "),
    ],
)
def test_a_fault_names_its_field(outlet: Outlet, sentence: str) -> None:
    found = faults(outlet)
    assert found, "it is taken for valid"
    assert found[0].startswith(sentence)


def test_a_valid_outlet_has_no_fault_and_a_new_one_may_be_empty() -> None:
    assert faults(OUTLET) == []
    empty = Outlet(name="new", title="", hosts=(), articles=(), canonical="", layouts=())
    assert faults(empty) == []
    for outlet in known_outlets().values():
        assert faults(outlet) == []


def test_a_layout_like_another_has_dates_and_pages_of_its_own() -> None:
    day = date(2024, 1, 2)
    first = LAYOUT.like("first", since=day, until=day, seen=(day,), times=("p",))
    second = first.like("second", body=("main",))
    assert (second.since, second.until, second.seen) == (None, None, ())
    assert (second.name, second.times, second.body) == ("second", ("p",), ("main",))


def test_an_address_may_hold_any_group_of_its_pattern() -> None:
    whole = OUTLET.identify("https://news.ourpaper.example/sports/7?utm=1")
    short = OUTLET.identify("https://news.ourpaper.example/article/7")
    assert whole is not None
    assert short is not None
    assert (whole.article_id, whole.url) == ("7", "https://news.ourpaper.example/sports/7")
    assert (whole.is_canonical, short.is_canonical) == (True, True)
    outlet = replace(OUTLET, articles=(r"/(?P<section>[a-z]+)/view/(?P<id>\d+)", r"/a/(?P<id>\d+)"))
    short = outlet.identify("https://news.ourpaper.example/a/7")
    assert short is not None
    assert (short.url, short.is_canonical) == ("https://news.ourpaper.example/a/7", False)
