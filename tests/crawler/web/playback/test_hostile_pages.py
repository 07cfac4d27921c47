"""A page that wants to run, to call and to lead away, as a browser shows it from the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crawler.web.security import Access
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace
from tests.support.readers.browser import chromium, opened_context
from tests.support.readers.playback_site import capture, keep, playback
from tests.support.sites.web_servers import ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Request

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(not chromium(), reason="Chromium is not installed")

SITE = "https://www.etoday.co.kr"
HOSTILE = f"{SITE}/news/view/1234567"
STAMP = "20240507010000"
LIVE = "http://live.example"
#: One pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000"
    "00030101002d4d1a2b0000000049454e44ae426082"
)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/>'
    f'<script>fetch("{LIVE}/svg")</script><image href="{LIVE}/in-svg.png"/></svg>'
)
PAGE = f"""<!DOCTYPE html>
<html><head><title>나쁜 기사</title>
<base href="{LIVE}/based/">
<meta http-equiv="refresh" content="0; url={LIVE}/refreshed">
<meta http-equiv="Content-Security-Policy" content="img-src *">
<link rel="prefetch" href="{LIVE}/prefetched"><link rel="preload" as="image" href="{LIVE}/p">
<link rel="dns-prefetch" href="//dns.example"><link rel="preconnect" href="//connect.example">
<link rel="manifest" href="{LIVE}/manifest"><link rel="icon" href="{LIVE}/icon.png">
<link rel="stylesheet" href="{LIVE}/live.css"><link rel="modulepreload" href="{LIVE}/m.js">
<link rel="stylesheet" href="{SITE}/kept.css">
<style>@import "{LIVE}/imported.css"; @im\\70ort url({LIVE}/again.css);
body {{ background: u\\72l("{LIVE}/background.png"); --a: "{LIVE}/variable.png";
  list-style-image: image-set("{LIVE}/set.png" 1x); }}
@font-face {{ font-family: f; src: url({LIVE}/font.woff2); }} h1 {{ font-family: f; }}</style>
<script>document.title = "ran"; fetch("{LIVE}/fetched"); new Image().src = "{LIVE}/beacon";</script>
<script src="{LIVE}/script.js"></script>
</head><body onload="document.title='ran'" background="{LIVE}/body.png">
<h1>달빛 기사</h1>
<div style="position:fixed; top:-300px; left:0; width:100%; height:2000px; z-index:99999;
  background:white">속이는 덮개</div>
<img src="{LIVE}/broken.png" onerror="document.title='ran'">
<img id="kept" src="{SITE}/kept.png" srcset="{LIVE}/1.png 1x, {LIVE}/2.png 2x">
<img id="lazy" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-src="{SITE}/kept.png">
<img id="drawn" src="{SITE}/drawn.svg"><picture><source srcset="{LIVE}/s.png"><img src="x"></picture>
<svg><script>document.title='ran'</script><image href="{LIVE}/image.png" /><use href="{LIVE}/u#a"/>
<style>&lt;img src="{LIVE}/mutated.png"&gt;</style><animate attributeName="href" to="{LIVE}"/></svg>
<math><mtext><mglyph><style><img src="{LIVE}/math.png" onerror="document.title='ran'"></style></math>
<noscript><img src="{LIVE}/noscript.png"></noscript>
<template><img src="{LIVE}/template.png"></template>
<a id="script" href="javascript:document.title='ran'">script</a>
<a id="live" href="{LIVE}/linked" target="_blank" ping="{LIVE}/pinged">live</a>
<a id="archived" href="{HOSTILE}/other">archived</a>
<form id="form" action="{LIVE}/sent"><input name="q"><button formaction="{LIVE}/button">b</button>
<input type="image" src="{LIVE}/input.png"></form>
<iframe src="{LIVE}/frame"></iframe><iframe srcdoc="<script>top.location='{LIVE}'</script>"></iframe>
<object data="{LIVE}/object"></object><embed src="{LIVE}/embed">
<video src="{LIVE}/v.mp4" poster="{LIVE}/poster.png" autoplay></video>
<audio src="{LIVE}/a.mp3" autoplay></audio><track src="{LIVE}/t.vtt">
<table background="{LIVE}/table.png"><tr><td background="{LIVE}/cell.png">x</table>
<p style="background:url('{LIVE}/style.png')">x</p><bgsound src="{LIVE}/b.wav">
</body></html>"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("hostile"))
    keep(
        workspace,
        [
            capture(HOSTILE, PAGE),
            capture(f"{HOSTILE}/other", "<p>또 다른 쪽"),
            capture(f"{SITE}/kept.png", PNG, "image/png"),
            capture(f"{SITE}/drawn.svg", SVG, "image/svg+xml"),
            capture(f"{SITE}/faked.png", f"<script>fetch('{LIVE}/x')</script>", "image/png"),
            capture(f"{SITE}/page.xml", f"<x><script>fetch('{LIVE}')</script></x>", "text/xml"),
            capture(
                f"{SITE}/kept.css",
                f'h1 {{ color: rgb(1, 2, 3); background: url("{LIVE}/css.png") }}',
                "text/css",
            ),
        ],
    )
    return workspace


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[str]:
    with playback(workspace) as url:
        yield url


class Visit:
    """A page of the browser, with all that it asked for and all that its console says."""

    def __init__(self, page: Page, server: str) -> None:
        self.page, self._server = page, server
        self.requested: list[str] = []
        self.failed: list[str] = []
        page.on("request", self._add)
        page.on("requestfailed", lambda request: self.failed.append(request.url))

    def _add(self, request: Request) -> None:
        self.requested.append(request.url)

    @property
    def elsewhere(self) -> list[str]:
        """The addresses of other hosts that were asked for."""
        own = (self._server, "data:", "about:")
        return [url for url in self.requested if not url.startswith(own)]


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Visit]:
    with opened_context(browser) as context:
        yield Visit(context.new_page(), server)


def test_nothing_of_it_runs_or_calls_another_host(visit: Visit, server: str) -> None:
    visit.page.goto(f"{server}/web/{STAMP}/{HOSTILE}", wait_until="networkidle")
    frame = visit.page.frames[1]
    assert visit.elsewhere == []
    assert frame.title() == "나쁜 기사"
    assert len(visit.page.frames) == 2, "no frame of the page itself"
    assert frame.get_by_text("달빛 기사").count() == 1
    assert visit.page.url == f"{server}/web/{STAMP}/{HOSTILE}"


def test_pictures_and_styles_of_the_archive_are_shown(visit: Visit, server: str) -> None:
    visit.page.goto(f"{server}/web/{STAMP}/{HOSTILE}", wait_until="networkidle")
    frame = visit.page.frames[1]
    for name in ("kept", "lazy", "drawn"):
        width = frame.evaluate(f"document.getElementById('{name}').naturalWidth")
        assert width > 0, name
    colour = frame.evaluate("getComputedStyle(document.querySelector('h1')).color")
    assert colour == "rgb(1, 2, 3)"
    assert visit.failed == []


def test_the_banner_is_above_the_page_which_cannot_cover_it(visit: Visit, server: str) -> None:
    visit.page.goto(f"{server}/web/{STAMP}/{HOSTILE}", wait_until="networkidle")
    banner = visit.page.locator("header")
    assert "2024-05-07 10:00:00 (KST)" in banner.inner_text()
    assert HOSTILE in banner.inner_text()
    box = banner.bounding_box()
    assert box is not None
    seen = visit.page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).closest('header') !== null",
        [box["width"] / 2, box["height"] / 2],
    )
    assert seen, "what is drawn there is the banner"


def test_a_link_leads_to_the_archive_in_place_of_the_whole_page(visit: Visit, server: str) -> None:
    visit.page.goto(f"{server}/web/{STAMP}/{HOSTILE}", wait_until="networkidle")
    frame = visit.page.frames[1]
    # It lies below the page's own cover, so that it is pressed by the keyboard.
    frame.locator("#archived").press("Enter")
    visit.page.wait_for_url(f"{server}/web/{STAMP}/{HOSTILE}/other")
    assert visit.page.frames[1].get_by_text("또 다른 쪽").count() == 1
    assert visit.elsewhere == []


def test_a_live_link_leads_to_a_page_of_ours(visit: Visit, server: str) -> None:
    visit.page.goto(f"{server}/web/{STAMP}/{HOSTILE}", wait_until="networkidle")
    visit.page.frames[1].locator("#live").press("Enter")
    visit.page.wait_for_url(f"{server}/web/{STAMP}/{LIVE}/linked")
    assert f"{LIVE}/linked" in visit.page.locator("header").inner_text()
    assert visit.page.locator(f"a[href^='{LIVE}']").count() == 0
    assert visit.elsewhere == []


def test_the_page_alone_runs_nothing_either(visit: Visit, server: str) -> None:
    for modifier in ("mp_", "if_"):
        visit.page.goto(f"{server}/web/{STAMP}{modifier}/{HOSTILE}", wait_until="networkidle")
        assert visit.page.title() == "나쁜 기사"
    assert visit.elsewhere == []


def test_with_a_token_its_pictures_are_asked_for_by_it(
    workspace: Workspace, browser: Browser
) -> None:
    known = {"username": "x", "password": "t"}
    with (
        playback(workspace, access=Access(token="t")) as server,
        opened_context(browser, http_credentials=known) as context,
    ):
        visit = Visit(context.new_page(), server)
        visit.page.goto(f"{server}/web/{STAMP}/{HOSTILE}", wait_until="networkidle")
        frame = visit.page.frames[1]
        assert frame.evaluate("document.getElementById('kept').naturalWidth") == 1
        assert frame.title() == "나쁜 기사"
        assert visit.elsewhere == []


@pytest.mark.parametrize("name", ["drawn.svg", "page.xml", "faked.png"])
def test_no_picture_or_document_runs(visit: Visit, server: str, name: str) -> None:
    visit.page.goto(f"{server}/web/{STAMP}/{SITE}/{name}", wait_until="networkidle")
    assert visit.elsewhere == []
    for modifier in ("mp_", "im_", "id_"):
        answer = ask(server, f"/web/{STAMP}{modifier}/{SITE}/{name}")
        policy = answer.get("content-security-policy")
        assert policy.startswith("sandbox ")
        assert "allow-scripts" not in policy
        assert "default-src 'none'" in policy
        assert answer.get("x-content-type-options") == "nosniff"
        is_text = answer.get("content-type").startswith("text/plain")
        assert is_text or answer.get("content-disposition") == "attachment"


def test_a_page_in_euc_kr_shows_right(tmp_path: Path, visit: Visit) -> None:
    workspace = Workspace(tmp_path)
    url = "https://www.newspim.com/news/view/20180302999902"
    page = (SEEDS / "newspim" / "own-desktop-2018-euckr.html").read_bytes()
    keep(workspace, [capture(url, page, "text/html; charset=euc-kr")], "newspim")
    with playback(workspace) as server:
        visit.page.goto(f"{server}/web/{STAMP}/{url}", wait_until="networkidle")
        frame = visit.page.frames[1]
        assert frame.evaluate("document.characterSet") == "UTF-8"
        assert "별섬 우체국" in frame.evaluate("document.body.innerText")
