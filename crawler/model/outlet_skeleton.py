"""The file of a new outlet: all fields, what each wants, and nothing that is not known."""

from __future__ import annotations

_SKELETON = '''"""{name} (its name in Korean). Facts as of {month}.

Write beside each fact where it is from and how sure it is. Leave out what is not known: generic
sources (JSON-LD, meta elements) are read where a layout names none.
"""

# Some are imported for whoever fills the file in.
from crawler.model.channels import Channel, Feed, ListPage, Sitemap  # noqa: F401  (see above)
from crawler.model.layout import Figure, Layout, TextForm  # noqa: F401  (see above)
from crawler.model.outlet import Outlet
from pipelines.page import Rules
from pipelines.widget_rules import SHARED, WidgetRule, Widgets  # noqa: F401  (see above)

#: A pattern that matches nothing, until the right one is known.
UNKNOWN = r"(?!)"

OUTLET = Outlet(
    name="{name}",  # that of this file
    title="",  # the publication's name: "예시일보"
    hosts=("{host}",),  # all hosts that serve its articles, that of mobile pages too
    # The paths of its articles, with the id: r"/article/(?P<id>\\d+)".
    articles=(),
    canonical="",  # the address of an article, with {{id}} in place of its id
    # Hosts of its pictures that are none of hosts.
    image_hosts=(),
    page_title="",  # a pattern found in the <title> of its pages only
    per_day=0,  # articles a day, if a source states it: a crawl that finds too few then exits 1
    cron="7 * * * *",  # when a job that states no time is due (Asia/Seoul)
    # Page templates. A new one is appended; old ones stay, with their dates of use. Each field is
    # a tuple of sources, of which the first that yields text is used: "jsonld:KEY", "meta:NAME",
    # or a CSS selector.
    layouts=(
        Layout(
            name="page",
            confidence="C",  # A: two sources, one recent; B: one good one; C: one old one
            since=None,  # the first and the last capture date, as date(2026, 11, 1)
            until=None,
            root="",  # the element with all of the article and no menu of the site
            body=(),  # containers of the text
            headline=(),
            subheadlines=(),
            published=(),
            modified=(),
            times=(),  # elements with the printed times
            bylines=(),
            emails=(),
            section=(),
            tags=(),
            figures=(),  # Figure(box=…, caption=…)
        ),
    ),
    # How a page looks as text without markup; only saved texts need more than these two.
    text=TextForm(
        recognise=(UNKNOWN,),  # patterns that are all found in its pages, and in no other's
        # A printed time with its label: r"등록 \\d{{4}}\\.\\d{{2}}\\.\\d{{2}} \\d{{2}}:\\d{{2}}".
        stamp=UNKNOWN,
        stamp_label="",
        section_after="",
        sections=False,
        deck=False,
        byline="",
        aside=("", ""),
        aside_rule="",
        tail="",
    ),
    # Where its articles are found, in order of preference:
    # Channel("sitemap", (Sitemap(ADDRESS),)), Channel("feed", (Feed(ADDRESS),)),
    # Channel("list", (ListPage(url=ADDRESS, link=SELECTOR),)).
    channels=(),
    rules=Rules(
        widgets=Widgets(SHARED),  # and a WidgetRule for each block that is not the reporter's
        site_titles=(),  # titles that are never headlines
    ),
)
'''


def skeleton(name: str, host: str, month: str) -> str:
    """Return the text of the file of an outlet of which only name and host are known.

    ``month`` is when, as YYYY-MM.
    """
    return _SKELETON.format(name=name, host=host, month=month)
