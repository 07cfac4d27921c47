"""The file of a new outlet: its fields, what each wants, and nothing that is not known."""

from __future__ import annotations

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
    title="",  # the publication's name: "예시일보"
    hosts=("{host}",),  # all hosts that serve its articles, that of mobile pages too
    # The paths of its articles, with the id: r"/article/(?P<id>\\d+)".
    articles=(),
    canonical="",  # the address of an article, with {{id}}, and other groups of the patterns
    # Hosts of its pictures that are none of hosts.
    image_hosts=(),
    page_title="",  # a pattern found in the <title> of its pages only
    per_day=0,  # articles a day, if a source states it: a crawl that finds too few then exits 1
    cron="7 * * * *",  # when a job that states no time is due (Asia/Seoul)
    # Page templates. A new one is appended; old ones stay, with their dates of use. Each field is
    # a tuple of sources, of which the first that yields text is used: "jsonld:KEY", "meta:NAME",
    # "json:PATH" in the data of a script, or a CSS selector. Fields that are left out are read
    # from the JSON-LD and the meta elements of the page.
    layouts=(
        Layout(
            name="page",
            confidence="C",  # A: two sources, one recent; B: one good one; C: one old one
            since=None,  # the first and the last capture date, as date(2026, 11, 1)
            until=None,
            root="",  # the element with all of the article and no menu of the site
            body=(),  # containers of the text
            subheadlines=(),
            times=(),  # elements with the printed times
            emails=(),
            tags=(),
            figures=(),  # Figure(box=…, caption=…)
            less_sure=(),  # fields whose facts are weaker: (("emails", "C"),)
            seen=(),  # the days of the real pages that it was checked on
        ),
    ),
    # Where its articles are found, in order of preference:
    # Channel("sitemap", (Sitemap(ADDRESS),)), Channel("feed", (Feed(ADDRESS),)),
    # Channel("list", (ListPage(url=ADDRESS, link=SELECTOR),)).
    channels=(),
    rules=Rules(
        widgets=with_common(),  # a WidgetRule for each block that is not the reporter's
        site_titles=(),  # titles that are never headlines
    ),
    unknown=(),  # what no source tells
)
'''


def skeleton(name: str, host: str, month: str) -> str:
    """Return the text of the file of an outlet of which only name and host are known.

    ``month`` is when, as YYYY-MM.
    """
    return _SKELETON.format(name=name, host=host, month=month)
