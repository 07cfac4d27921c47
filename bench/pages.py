"""Big pages for measuring: an article in an outlet's shape amid as much chrome as real pages have.

About 80 KB, 1,000 elements and 19 KB gzipped each; the same number, the same page.

    python -m bench.pages OUT.warc.gz --count 5000
"""

from __future__ import annotations

import argparse
import random
import uuid
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.support.mock_site import etoday, newspim
from tests.support.mock_site.story import KST, Story
from tests.support.mock_site.words import ACTS, ITEMS, NAMES, PLACES, THINGS, compose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from warcio.recordloader import ArcWarcRecord

FIRST = datetime(2024, 1, 1, 0, 3, tzinfo=KST)
SEED = 20240101


def page(n: int) -> tuple[str, str]:
    """Give the ``n``-th page's address and HTML: even ones Etoday's (2020), odd ones Newspim's (2021)."""
    pick = random.Random(n)
    url, html = light_page(n)
    before, _, rest = html.partition("<body>\n")
    inside, _, after = rest.rpartition("</body>")
    before = before.replace("</head>", f"{_style(pick)}\n{_scripts(pick, 12)}\n</head>")
    chrome = f"{_menus(pick)}\n{inside}\n{_lists(pick)}\n{_footer(pick)}\n{_scripts(pick, 10)}\n"
    return url, f"{before}<body>\n{chrome}</body>{after}"


def light_page(n: int) -> tuple[str, str]:
    """Give the ``n``-th page's address and HTML without the chrome: some 5 KB."""
    outlet, layout = (etoday, "desktop-2020") if n % 2 == 0 else (newspim, "desktop-2021")
    story = _long(outlet.__name__.rpartition(".")[2], n)
    return outlet.address(story, layout), outlet.render(story, layout)


def published(n: int) -> datetime:
    """Give the ``n``-th page's time of publication."""
    return FIRST + timedelta(minutes=5 * n)


def captured(n: int) -> datetime:
    """Give the time its capture claims, UTC: an hour after publication."""
    return (published(n) + timedelta(hours=1)).astimezone(UTC)


def pages(count: int) -> Iterator[tuple[str, str]]:
    """Give the first ``count`` pages."""
    return (page(n) for n in range(count))


def write(out: BinaryIO, count: int) -> None:
    """Write a WARC 1.1 of the pages as response records, bodies gzip-encoded as served; deterministic."""
    writer = WARCWriter(out, gzip=True, warc_version="WARC/1.1")
    about = {
        "software": "sacho bench.pages",
        "format": "WARC File Format 1.1",
        "description": "made-up pages",
    }
    info = writer.create_warcinfo_record("pages.warc.gz", about)
    info.rec_headers.replace_header("WARC-Record-ID", _record_id("warcinfo"))
    info.rec_headers.replace_header("WARC-Date", _warc_date(captured(0)))
    _put(writer, info)
    for n in range(count):
        url, html = page(n)
        body = _gzip(html.encode())
        fields = [
            ("Date", format_datetime(captured(n), usegmt=True)),
            ("Server", "Apache"),
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Encoding", "gzip"),
            ("Vary", "Accept-Encoding"),
            ("Content-Length", str(len(body))),
        ]
        record = writer.create_warc_record(
            url,
            "response",
            payload=BytesIO(body),
            http_headers=StatusAndHeaders("200 OK", fields, protocol="HTTP/1.1"),
            warc_headers_dict={
                "WARC-Date": _warc_date(captured(n)),
                "WARC-Record-ID": _record_id(url),
                "WARC-Warcinfo-ID": _record_id("warcinfo"),
            },
        )
        _put(writer, record)


def _put(writer: WARCWriter, record: ArcWarcRecord) -> None:
    """Write the record and close the temporary file that warcio made to take its digests."""
    writer.write_record(record)
    record.raw_stream.close()


def _long(outlet: str, n: int) -> Story:
    """Make up an article of about 1,500 characters: two made-up bodies, one behind the other."""
    moment = published(n)
    article_id = str(2_200_000 + n) if outlet == "etoday" else f"{moment:%Y%m%d}{n % 1000:06d}"
    story = compose(outlet, article_id, moment, SEED, short=False)
    paragraphs = list(story.paragraphs)
    more = 1
    while sum(map(len, paragraphs)) < 1400:
        paragraphs += compose(outlet, article_id, moment, SEED + more, short=False).paragraphs[1:]
        more += 1
    return replace(story, paragraphs=tuple(paragraphs), modified=moment + timedelta(minutes=17))


def _words(pick: random.Random) -> str:
    return f"{pick.choice(PLACES)} {pick.choice(THINGS)}, {pick.choice(ITEMS)} {pick.randint(2, 999)}점 {pick.choice(ACTS)}"


def _menus(pick: random.Random) -> str:
    """Write two rows of menus with what unfolds from them: some 300 elements, alike on every page."""
    groups = []
    for top in range(14):
        subs = "".join(
            f'<li class="gnb_sub_item gnb_{top}_{sub}"><a href="/news/section/subsection?MID={1200 + 10 * top + sub}" '
            f'class="gnb_link" data-area="gnb" data-index="{sub}">{THINGS[top]} {ITEMS[sub]}</a></li>\n'
            for sub in range(8)
        )
        groups.append(
            f'<li class="gnb_item"><a href="/section/{top}" class="gnb_top">{THINGS[top]}</a>\n<ul class="gnb_sub">{subs}</ul></li>'
        )
    today = pick.choice(NAMES)
    return f'<div id="header"><div class="top_util"><span>{today}의 하루</span></div>\n<ul class="gnb">{"".join(groups)}</ul></div>'


def _lists(pick: random.Random) -> str:
    """Write boxes of headlines with pictures: some 500 elements, new on every page."""
    boxes = []
    for box in range(9):
        rows = "".join(
            f'<li class="news_item item_{row}"><a href="/news/view/{pick.randint(2_000_000, 2_600_000)}" class="thumb">'
            f'<img src="https://img.mock site.example/pto_db/2024/0{pick.randint(1, 9)}/600/{pick.randint(10**12, 10**13)}.jpg" '
            f'alt="{_words(pick)}" width="120" height="80" loading="lazy"></a>\n'
            f'<div class="text"><a href="#" class="tit">{_words(pick)}</a> <span class="date">{pick.randint(10, 23)}:'
            f"{pick.randint(10, 59)}</span></div></li>\n"
            for row in range(9)
        )
        boxes.append(
            f'<div class="side_box box_{box}"><h3>{pick.choice(PLACES)} 소식</h3>\n<ul>{rows}</ul></div>'
        )
    return "\n".join(boxes)


def _footer(pick: random.Random) -> str:
    links = "".join(
        f'<li><a href="/company/{n}">{thing} 안내</a></li>\n' for n, thing in enumerate(THINGS)
    )
    return f'<div id="footer"><ul>{links}</ul><address>{pick.choice(PLACES)} 기록로 {pick.randint(1, 99)}</address></div>'


def _style(pick: random.Random) -> str:
    rules = "\n".join(
        f".side_box.box_{n} .news_item{{margin:{n % 9}px {n % 7}px;padding:{n % 5}px;color:#{pick.randint(0, 0xFFFFFF):06x}}}"
        for n in range(60)
    )
    return f"<style>\n{rules}\n</style>"


def _scripts(pick: random.Random, count: int) -> str:
    """Write inline scripts as advertisements and counters do: codes that compress badly."""
    scripts = []
    for n in range(count):
        codes = ",".join(f'"{pick.getrandbits(128):032x}"' for _ in range(13))
        settings = ",".join(
            f'"slot_{n}_{k}":{{"w":{pick.randint(100, 999)},"h":{k * 50}}}' for k in range(14)
        )
        scripts.append(
            f"<script>(function(w){{w.unit_{n}=w.unit_{n}||[];w.unit_{n}.push({{codes:[{codes}],slots:{{{settings}}}}});}})(window);</script>"
        )
    return "\n".join(scripts)


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def _record_id(name: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>"


def _warc_date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def main() -> None:
    """Write the WARC named on the command line."""
    parser = argparse.ArgumentParser(description="Write made-up pages to a WARC for measuring.")
    parser.add_argument("out", type=Path, help="the file to write, named .warc.gz")
    parser.add_argument("--count", type=int, default=5000, help="how many pages (default: 5000)")
    options = parser.parse_args()
    with options.out.open("wb") as out:
        write(out, options.count)
    print(f"{options.count} pages, {options.out.stat().st_size:,} bytes: {options.out}")


if __name__ == "__main__":
    main()
