"""Pages and style sheets as playback writes them: no address that loads leads to a live host."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from crawler.web.playback.rewriting.css import LONGEST_SHEET, rewrite_css
from crawler.web.playback.rewriting.html import LONGEST_PAGE, MOST_TAGS, TooLongError, rewrite_html
from crawler.web.playback.rewriting.links import MOST_WANTED, Links

BASE = "https://x.kr/news/1"
STAMP = "20240507010000"
LIVE = "http://live.example/"
KEPT = "https://x.kr/kept.png"
SHEET = "https://x.kr/kept.css"
#: Attributes by which browsers load, send or lead on, in HTML and SVG.
LOADING = {
    "src", "srcset", "href", "xlink:href", "poster", "data", "action", "formaction", "background",
    "ping", "manifest", "code", "codebase", "archive", "classid", "cite", "longdesc", "usemap",
    "profile", "lowsrc", "dynsrc", "icon", "imagesrcset", "srcdoc", "content", "values", "to",
    "from", "by", "fill", "stroke", "filter", "mask", "clip-path", "cursor", "style", "marker",
}  # fmt: skip
#: What an address of ours looks like, and what leads nowhere.
OURS = re.compile(
    rf"/web/{STAMP}(?:[a-z]{{2}}_)?/https?://[^\s\"'<>\\]+|#.*|data:(?:image|,).*", re.S
)
#: Addresses in a written sheet, whose strings all have the same quotes; others are passed over.
URL_IN_CSS = re.compile(
    r"""url\(\s*"([^"]*)"|(?<!\\)@import\s+"([^"]*)"|"(?:[^"\\\n]|\\.)*"|url\(([^)]*)|(?<!\\)@import(.*)""",
    re.I,
)
FORBIDDEN = {
    "script", "iframe", "frame", "object", "embed", "applet", "base", "meta", "math", "template",
    "video-source", "source", "track", "portal", "animate", "set", "image", "foreignobject", "xmp",
    "plaintext", "noembed", "noframes",
}  # fmt: skip


def rewritten(html: str, known: tuple[str, ...] = (KEPT, SHEET)) -> str:
    return rewrite_html(html, Links(BASE, STAMP, known))


def check(html: str) -> None:
    """Check a written page, read again by a parser: what it may hold, and where it leads."""
    parsed = LexborHTMLParser(html)
    assert parsed.root is not None
    for node in parsed.root.traverse():
        name = (node.tag or "").lower()
        is_viewport = name == "meta" and node.attributes.get("name") == "viewport"
        assert name not in FORBIDDEN or is_viewport, name
        for key, value in node.attributes.items():
            check_attribute(name, key.lower(), value or "")
        if name == "style":
            check_css(node.text_content or node.text(deep=True) or "")


def check_attribute(name: str, key: str, value: str) -> None:
    assert not key.startswith("on"), key
    if key == "style":
        check_css(value)
    elif key in LOADING and name != "meta":
        is_paint = key in ("fill", "stroke") and ":" not in value and "/" not in value
        assert is_paint or OURS.fullmatch(value), (name, key, value)


def check_css(css: str) -> None:
    for found in URL_IN_CSS.finditer(css):
        for address in filter(None, found.groups()):
            assert OURS.fullmatch(address), css


_ADDRESSES = [
    LIVE, f"{LIVE}a.png", "//live.example/b", "\\\\live.example\\c", "/\\live.example/c", "kept.png",
    KEPT, SHEET, f" {LIVE}", "ht\ntp://live.example/", "HTTP://LIVE.example", "javascript:alert(1)",
    "java\tscript:alert(1)", "data:text/html,<script>1</script>", "data:image/svg+xml,<svg/>", "#x",
    "https:live.example", "https:///live.example/x", "ftp://live.example/", "blob:x", "about:blank",
    f"view-source:{LIVE}", "http://[::1", "http://live.example:99999/", "", "?q=1", "../../../etc",
    f"{LIVE}\"onerror=x", f"{LIVE}'><script>", "data:image/png;base64,AAAA", f"{LIVE} 2x, {KEPT} 1x",
    "mailto:a@live.example", f"0; url={LIVE}", f"url({LIVE})", "url(#a)", f"u\\72l({LIVE})",
    f"background:url('{LIVE}')", "&#104;ttp://live.example/", "vbscript:x", "x" * 20_000,
]  # fmt: skip
_NAMES = [
    "a", "area", "img", "svg", "image", "use", "iframe", "frame", "frameset", "object", "embed",
    "link", "meta", "base", "script", "style", "video", "audio", "source", "picture", "track", "form",
    "input", "button", "table", "td", "body", "html", "head", "math", "mglyph", "mtext", "annotation-xml",
    "foreignObject", "desc", "title", "textarea", "noscript", "template", "plaintext", "xmp", "listing",
    "noembed", "noframes", "select", "option", "animate", "set", "path", "p", "b", "pre", "applet",
    "bgsound", "blockquote", "q", "ins", "del", "a:b", "x-y", "portal", "marquee", "isindex", "keygen",
    "feImage", "filter", "g", "linearGradient", "font-face-uri", "tref", "cursor", "handler", "dialog",
]  # fmt: skip
_KEYS = sorted(LOADING | {"onload", "onerror", "rel", "type", "http-equiv", "name", "media", "class",
                          "data-src", "data-srcset", "id", "is", "slot", "nonce", "target", "as"})  # fmt: skip
_VALUES = st.one_of(
    st.sampled_from(_ADDRESSES),
    st.sampled_from(
        ["stylesheet", "preload", "image", "refresh", "import", "text/css", "_top", "icon"]
    ),
    st.text(max_size=20),
)
_TEXTS = st.one_of(
    st.sampled_from(
        [
            f"@import '{LIVE}';", f"@im\\70ort '{LIVE}';", f"a{{b:url({LIVE})}}", "</style>", "-->",
            f"&lt;img src={LIVE}&gt;", f"a{{b:u\\72 l({LIVE})}}", "<!--", "]]>", "<![CDATA[", "\0",
            f"a{{b:image-set('{LIVE}' 1x)}}", f"@import/**/url({LIVE})", "/*", "*/", "'", '"', "\\",
        ]
    ),
    st.text(max_size=12),
)  # fmt: skip


@st.composite
def pages(draw: st.DrawFn) -> str:
    """HTML of elements that load, badly nested."""
    parts: list[str] = []
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(_NAMES))
        kind = draw(st.integers(0, 4))
        if kind == 0:
            parts.append(draw(_TEXTS))
        elif kind == 1:
            parts.append(f"</{name}>")
        else:
            quote = draw(st.sampled_from(['"', "'", ""]))
            given = draw(st.lists(st.tuples(st.sampled_from(_KEYS), _VALUES), max_size=4))
            attributes = "".join(f" {key}={quote}{value}{quote}" for key, value in given)
            parts.append(f"<{name}{attributes}{draw(st.sampled_from(['>', '/>', ' ']))}")
    return "".join(parts)


@given(pages())
def test_no_written_page_loads_from_a_live_host(html: str) -> None:
    once = rewritten(html)
    check(once)
    check(str(LexborHTMLParser(once).html))


@given(st.lists(_TEXTS, max_size=8).map("".join))
def test_no_written_sheet_loads_from_a_live_host(css: str) -> None:
    written = rewrite_css(css, Links(BASE, STAMP, ()))
    check_css(written)
    assert not re.search(r"<[/!?a-z]", written, re.I)
    check(f"<svg><style>{written.replace('&', '&amp;')}</style></svg>")


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("a{b:url(/kept.png)}", f'a{{b:url("/web/{STAMP}im_/{KEPT}")}}'),
        ("a{b:url( '/kept.png' )}", f'a{{b:url("/web/{STAMP}im_/{KEPT}")}}'),
        ("a{b:U\\52 L(/kept.png)}", f'a{{b:url("/web/{STAMP}im_/{KEPT}")}}'),
        (f"a{{b:url({LIVE})}}", 'a{b:url("data:,")}'),
        ("a{b:url(#c)}", 'a{b:url("data:,")}'),
        (f"@import '{SHEET}' screen and (width > 5px);", f'@import "/web/{STAMP}cs_/{SHEET}" screen and (width > 5px);'),
        (f"@import '{SHEET}' supports(background: url({LIVE}));", ""),
        (f"@import '{LIVE}';a{{}}", "a{}"),
        (f"@\\69mport url({LIVE})", ""),
        ("@import attr(x); b{}", " b{}"),
        ("a{content:'\\201c'}", 'a{content:"“"}'),
        ("a{content:'//x'}", 'a{content:""}'),
        (f"a{{b:image-set('{LIVE}' type('image/png') 1x)}}", 'a{b:image-set("data:," type("image/png") 1x)}'),
        ("a{b:url(x'y)} c{}", 'a{b:url("data:,")} c{}'),
        ("a{b:url(", 'a{b:url("data:,")'),
        ("/* x */a/**/b", "/**/a/**/b"),
        ("@media (width<5px){a{}}", "@media (width<5px){a{}}"),
        ("<!--a{}-->", "< !--a{}-->"),
    ],
)  # fmt: skip
def test_a_sheet_is_written(css: str, expected: str) -> None:
    assert rewrite_css(css, Links(BASE, STAMP, (KEPT, SHEET))) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<img src=/kept.png alt=x>", f'<img alt="x" src="/web/{STAMP}im_/{KEPT}">'),
        ("<img src=/lost.png alt=x>", '<img alt="x">'),
        ("<img srcset='/small.png 1x, /kept.png 2x'>", f'<img src="/web/{STAMP}im_/{KEPT}">'),
        ("<img src=data:image/gif;base64,AA data-src=/kept.png>", f'<img src="/web/{STAMP}im_/{KEPT}">'),
        ("<picture><source srcset=/kept.png><img src=/lost></picture>", f'<picture><img src="/web/{STAMP}im_/{KEPT}"></picture>'),
        ("<a href=2 onclick=x target=_blank>b</a>", f'<a href="/web/{STAMP}/https://x.kr/news/2" target="_top">b</a>'),
        ("<a href=#top>b</a>", '<a href="#top">b</a>'),
        ("<a href='javascript:x'>b</a>", "<a>b</a>"),
        ("<noscript><img src=/kept.png></noscript>", f'<img src="/web/{STAMP}im_/{KEPT}">'),
        ("<form action=/x method=post><button>b</button></form>", '<form><button type="button">b</button></form>'),
        ("<p>a<script>b</script>c<!-- d -->e", "<p>ace</p>"),
        ("<svg><path fill='url(#a)'/><path fill='url(http://live.example)'/></svg>", '<svg><path fill="url(#a)"></path><path></path></svg>'),
        ("<p onmouseover=x style='color:red'>a", '<p style="color:red">a</p>'),
    ],
)  # fmt: skip
def test_a_page_is_written(html: str, expected: str) -> None:
    assert rewritten(html) == f"<html><head></head><body>{expected}</body></html>"


def test_the_mode_of_a_page_and_its_base_stay() -> None:
    old = '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">'
    assert rewritten(f"{old}<p>x").startswith("<!DOCTYPE HTML PUBLIC")
    assert rewritten("<p>x").startswith("<html>")
    page = rewritten("<base href='https://x.kr/'><img src=kept.png>")
    assert f"im_/{KEPT}" in page
    assert "<base" not in page


def test_the_text_is_the_page_s_own() -> None:
    html = (
        "<title>A &amp; B</title><p>1 &lt; 2 &quot;가&quot;</p><textarea>\n\nx</textarea><pre>\n\ny"
    )
    first, again = LexborHTMLParser(html), LexborHTMLParser(rewritten(html))
    for selector in ("title", "p", "textarea", "pre"):
        one, other = first.css_first(selector), again.css_first(selector)
        assert one is not None
        assert other is not None
        assert one.text() == other.text(), selector


def test_only_so_many_addresses_are_looked_for() -> None:
    links = Links(BASE, STAMP)
    rewrite_html("".join(f"<img src={n}.png>" for n in range(MOST_WANTED + 9)), links)
    assert len(links.wanted) == MOST_WANTED


@pytest.mark.parametrize(
    "unit",
    ["<p>", "<b><p>", "<a href=x>", "<div style='a:url(x)'>", "<svg><g>", "<table><td>", "<!--", "<a ",
     "<img srcset='a,", "<style>@import", "&", "<picture><source srcset=a>"],
)  # fmt: skip
def test_a_hostile_page_of_the_greatest_length_takes_seconds(unit: str) -> None:
    html = unit * min(LONGEST_PAGE // len(unit), MOST_TAGS // max(1, unit.count("<")))
    html += "x" * (LONGEST_PAGE - len(html))
    began = time.process_time()
    rewritten(html)
    assert time.process_time() - began < 20


def test_a_longer_page_is_refused() -> None:
    with pytest.raises(TooLongError):
        rewritten("x" * (LONGEST_PAGE + 1))
    with pytest.raises(TooLongError):
        rewritten("<p>" * (MOST_TAGS + 1))


@pytest.mark.parametrize(
    "unit", ["url(", "a{b:url(x)}", "\\", "'", "@import ", "/*", "image-set(", "("]
)
def test_a_hostile_sheet_takes_seconds(unit: str) -> None:
    began = time.process_time()
    rewrite_css(unit * (LONGEST_SHEET // len(unit)), Links(BASE, STAMP, ()))
    assert time.process_time() - began < 10
