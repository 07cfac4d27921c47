"""Distort the saved pages as real sites do, and count what is read right.

    python -m bench.mutations [--wrong] [--only NAME]

Each kind of distortion is tried on every fixture in seeds/ that it fits. What is right is written
beside the kind: the same article, the same with a block more, an article with a flag, or none.
Printed are, by group, how many readings are right, how many sentences of the reporter are missing
from readings that were taken for whole articles, and how many pages were taken for an article
that are none. Exit status 1 if any of the last two is not 0.
"""

from __future__ import annotations

import argparse
import html as markup
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archive.http import content_coding
from archive.http import message as http
from archive.model.article import ADDRESSES_DISAGREE, PAYWALLED
from archive.model.exchange import Exchange, content_urn
from crawler.extraction.reading import read_by_layouts
from crawler.outlets import outlet_named
from pipelines.text import clean
from tests.support.documents import made_fixtures, name_of, read_fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from archive.model.article import Article
    from pipelines.page import Page

#: The mark in a page in whose place its paragraphs stand.
_SLOT = "\ue000{}\ue001"
_PARAGRAPH = re.compile(r"<p>((?:(?!</?p\b).)*)</p>", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?”\"])\s+")
_CHARSET = re.compile(r"charset=[\"']?[\w-]+", re.IGNORECASE)


@dataclass(frozen=True)
class Fixture:
    """A saved page taken apart: ``frame`` has a slot for each of the ``paragraphs``."""

    name: str
    outlet: str
    url: str
    at: datetime
    frame: str
    paragraphs: tuple[str, ...]
    article: Article

    @property
    def is_html(self) -> bool:
        """Whether it is a page, and no text rendering of one."""
        return "<html" in self.frame

    @property
    def other_url(self) -> str:
        """The address of another article of the outlet."""
        return self.url[:-4] + "0777"

    def page(self, blocks: list[str] | None = None) -> str:
        """Return the page with other markup in the places of its paragraphs."""
        given = [f"<p>{text}</p>" for text in self.paragraphs] if blocks is None else blocks
        text = self.frame
        for number, block in enumerate(given):
            text = text.replace(_SLOT.format(number), block)
        return re.sub("\ue000\\d+\ue001\n?", "", text)

    def each(self, change: Callable[[str], str]) -> str:
        """Return the page with each paragraph's markup made anew from its text."""
        return self.page([change(text) for text in self.paragraphs])

    def after(self, addition: str, number: int = 1) -> str:
        """Return the page with markup behind the paragraph of that number."""
        blocks = [f"<p>{text}</p>" for text in self.paragraphs]
        blocks[number] += addition
        return self.page(blocks)

    def only(self, body: str) -> str:
        """Return the page with this in place of all paragraphs."""
        return self.page([body, *[""] * (len(self.paragraphs) - 1)])

    def head(self, addition: str) -> str:
        """Return the page with markup at the end of its head."""
        return self.page().replace("</head>", f"{addition}</head>", 1)


@dataclass(frozen=True)
class Right:
    """What is right of a reading. ``None`` for fields that are not judged."""

    article: bool = True
    body: tuple[str, ...] | None = None
    flag: str = ""
    caption: str = ""


#: A page, or its bytes; None if the distortion does not fit the fixture.
Made = str | bytes | None


@dataclass(frozen=True)
class Mutation:
    """One kind of distortion."""

    name: str
    group: str
    make: Callable[[Fixture], Made]
    right: Callable[[Fixture], Right]


MUTATIONS: list[Mutation] = []


def _same(fixture: Fixture) -> Right:
    return Right(body=fixture.article.body)


def _none(_: Fixture) -> Right:
    return Right(article=False)


def _more(*blocks: str, number: int = 1) -> Callable[[Fixture], Right]:
    """Return what is right where blocks were put behind a paragraph."""

    def right(fixture: Fixture) -> Right:
        body = fixture.article.body
        return Right(body=(*body[: number + 1], *blocks, *body[number + 1 :]))

    return right


def _add(
    group: str, right: Callable[[Fixture], Right] = _same, **kinds: Callable[[Fixture], Made]
) -> None:
    MUTATIONS.extend(Mutation(name, group, make, right) for name, make in kinds.items())


def _around(fixture: Fixture, before: str, after: str, first: int = 0) -> str:
    """Return the page with the paragraphs from a number on within other markup."""
    blocks = [f"<p>{text}</p>" for text in fixture.paragraphs]
    blocks[first] = before + blocks[first]
    blocks[-1] += after
    return fixture.page(blocks)


_add(
    "paragraphs",
    wrapped_each=lambda f: f.each(lambda t: f"<div><p>{t}</p></div>"),
    wrapped_deep=lambda f: f.each(lambda t: f"{'<div>' * 6}<p>{t}</p>{'</div>' * 6}"),
    div_for_p=lambda f: f.each(lambda t: f"<div>{t}</div>"),
    section_for_p=lambda f: f.each(lambda t: f"<section>{t}</section>"),
    line_breaks=lambda f: f.each(lambda t: f"{t}<br><br>"),
    line_breaks_xhtml=lambda f: f.each(lambda t: f"{t}<br/>\n<br/>\n"),
    span_within=lambda f: f.each(lambda t: f'<p><span style="color:#000">{t}</span></p>'),
    font_within=lambda f: f.each(lambda t: f'<p><font size="3">{t}</font></p>'),
    attributes=lambda f: f.each(lambda t: f'<p class="par" style="margin:0" data-id="1">{t}</p>'),
    unclosed=lambda f: f.each(lambda t: f"<p>{t}\n"),
    upper_case=lambda f: f.each(lambda t: f"<P>{t}</P>"),
    empty_between=lambda f: f.each(lambda t: f"<p>{t}</p><p>&nbsp;</p><p></p>"),
    comments_between=lambda f: f.each(lambda t: f"<!-- 문단 --><p>{t}<!-- 끝 --></p>"),
    bare_in_the_middle=lambda f: f.page(
        [t if i == 1 else f"<p>{t}</p>" for i, t in enumerate(f.paragraphs)]
    ),
    bold_first=lambda f: f.page(
        [f"<p><b>{t}</b></p>" if not i else f"<p>{t}</p>" for i, t in enumerate(f.paragraphs)]
    ),
    linked_word=lambda f: f.each(
        lambda t: (
            f'<p><a href="/search/?keyword=x">{t[:4]}</a>{t[4:]}</p>'
            if "&" not in t[:9]
            else f"<p>{t}</p>"
        )
    ),
    quotation_around=lambda f: f.page(
        [
            f"<blockquote><p>{t}</p></blockquote>" if i == 2 else f"<p>{t}</p>"
            for i, t in enumerate(f.paragraphs)
        ]
    ),
    list_around=lambda f: f.page(
        [f"<ul><li>{t}</li></ul>" if i == 2 else f"<p>{t}</p>" for i, t in enumerate(f.paragraphs)]
    ),
    wrapped_all=lambda f: _around(f, '<div class="inner">', "</div>"),
    wrapped_half=lambda f: _around(f, '<div class="more">', "</div>", 2),
    wrapped_last=lambda f: _around(f, "<div><div>", "</div></div>", len(f.paragraphs) - 1),
)
_SUBHEAD = "달라진 것은 무엇인가"
_QUOTE = "“기록은 그날 그대로 남아야 한다”고 그는 말했다."
for _tag in ("h2", "h3", "h4", "h5", "h6", "strong", "b", "div"):
    _add(
        "blocks",
        _more(_SUBHEAD),
        **{f"subhead_{_tag}": lambda f, tag=_tag: f.after(f"<{tag}>{_SUBHEAD}</{tag}>")},
    )
_add("blocks", _more(_QUOTE), quotation=lambda f: f.after(f"<blockquote>{_QUOTE}</blockquote>"))
_add(
    "blocks",
    _more("첫째 기록을 남긴다.", "둘째 고치지 않는다."),
    list=lambda f: f.after("<ul><li>첫째 기록을 남긴다.</li><li>둘째 고치지 않는다.</li></ul>"),
    numbered=lambda f: f.after("<ol><li>첫째 기록을 남긴다.</li><li>둘째 고치지 않는다.</li></ol>"),
    definitions=lambda f: f.after(
        "<dl><dt>첫째 기록을 남긴다.</dt><dd>둘째 고치지 않는다.</dd></dl>"
    ),
)
_add("blocks", _more("주요 뉴스"), roundup_heading=lambda f: f.after("<h3>주요 뉴스</h3>"))
_add("blocks", _more("[관련기사]"), related_heading=lambda f: f.after("<p>[관련기사]</p>"))
_add(
    "blocks",
    _more("끝으로 덧붙인 문장이다."),
    bare_text=lambda f: f.after("끝으로 덧붙인 문장이다.\n"),
)
_add(
    "noise",
    script=lambda f: f.after("<script>var text = '<p>본문이 아니다.</p>';</script>"),
    style=lambda f: f.after("<style>p { color: red }</style>"),
    frame=lambda f: f.after('<iframe src="about:blank">본문이 아니다.</iframe>'),
    no_script=lambda f: f.after("<noscript>자바스크립트를 켜 주세요.</noscript>"),
    template=lambda f: f.after("<template><p>본문이 아니다.</p></template>"),
    empty_slot=lambda f: f.after('<div class="ad" id="slot-1"></div>'),
    analytics=lambda f: f.page().replace(
        "</body>", '<img src="/log.gif" width="1" height="1"></body>'
    ),
    comments_box=lambda f: f.page().replace(
        "</body>", "<div id=c><p>댓글이 길게 달렸다.</p></div></body>"
    ),
    footer=lambda f: f.page().replace(
        "</body>", "<footer><p>무단 전재를 금지한다.</p></footer></body>"
    ),
    cookie_banner=lambda f: f.page().replace(
        "<body>", "<body><div>쿠키 사용에 동의해 주세요.</div>"
    ),
    login_form=lambda f: f.page().replace("<body>", "<body><form><input type=password></form>"),
    captcha_script=lambda f: f.head('<script src="/recaptcha.js?captcha=1"></script>'),
)


def _spaced(f: Fixture) -> str:
    return re.sub(r">\n<", ">\n\n\t  <", f.page())


_add(
    "white space",
    minified=lambda f: re.sub(r">\s+<", "><", f.page()) if "<br" not in f.frame else None,
    indented=_spaced,
    crlf=lambda f: f.page().replace("\n", "\r\n"),
    carriage_returns=lambda f: f.page().replace("\n", "\r"),
    wrapped_lines=lambda f: f.each(lambda t: "<p>\n   " + t.replace(" ", "\n   ", 3) + "\n</p>"),
    no_break_spaces=lambda f: f.each(lambda t: f"<p>{t.replace(' ', '&nbsp;')}</p>"),
    no_break_spaces_everywhere=lambda f: re.sub(
        r">[^<>]+<", lambda m: m[0].replace(" ", "\u00a0"), f.page()
    ),
    zero_width=lambda f: f.each(lambda t: f"<p>\u200b{t}\u200b</p>"),
    doubled_spaces=lambda f: f.each(lambda t: f"<p>{t.replace(' ', '  ')}</p>"),
    ideographic_space=lambda f: f.each(lambda t: f"<p>\u3000{t}</p>"),
    decomposed=lambda f: unicodedata.normalize("NFD", f.page()),
    numeric_entities=lambda f: f.each(
        lambda t: "<p>" + "".join(f"&#{ord(c)};" for c in markup.unescape(t)) + "</p>"
    ),
    byte_order_mark=lambda f: "\ufeff" + f.page(),
)


def _thing(**values: object) -> dict[str, object]:
    return {"@context": "https://schema.org", "@type": "NewsArticle", **values}


def _script(content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return f'<script type="application/ld+json">{text}</script>'


def _own(f: Fixture) -> dict[str, object]:
    published = f.article.published_at
    assert published is not None
    return _thing(headline=f.article.headline, url=f.url, datePublished=published.isoformat())


def _foreign(f: Fixture) -> dict[str, object]:
    return _thing(headline="다른 기사", url=f.other_url, datePublished="2011-01-01T00:00:00+09:00")


def _nameless() -> dict[str, object]:
    return _thing(headline="다른 기사", datePublished="2011-01-01T00:00:00+09:00")


def _own_text(f: Fixture) -> str:
    return json.dumps(_own(f), ensure_ascii=False)


_add(
    "json-ld",
    own=lambda f: f.head(_script(_own(f))),
    other_first=lambda f: f.head(_script(_foreign(f)) + _script(_own(f))),
    other_only=lambda f: f.head(_script(_foreign(f))),
    other_without_address=lambda f: f.head(_script(_nameless())),
    other_in_the_body=lambda f: f.page().replace("</body>", f"{_script(_foreign(f))}</body>"),
    own_in_a_list=lambda f: f.head(_script([_foreign(f), _own(f)])),
    own_in_a_graph=lambda f: f.head(_script({"@graph": [_nameless(), _own(f)]})),
    cdata=lambda f: f.head(_script(f"//<![CDATA[\n{_own_text(f)}\n//]]>")),
    html_comment=lambda f: f.head(_script(f"<!--\n{_own_text(f)}\n-->")),
    stray_comma=lambda f: f.head(_script(_own_text(f)[:-1] + ",}")),
    broken=lambda f: f.head(_script(_own_text(f)[:-9])),
    front_page_only=lambda f: f.head(_script({"@type": "WebSite", "name": "x", "url": "/"})),
    utc_for_kst=lambda f: f.head(
        _script(_own(f) | {"datePublished": str(_own(f)["datePublished"])[:19] + "Z"})
    ),
    date_only=lambda f: f.head(
        _script(_own(f) | {"datePublished": str(_own(f)["datePublished"])[:10]})
    ),
)


def _link(address: str) -> str:
    return f'<link rel="canonical" href="{address}">'


def _og(address: str) -> str:
    return f'<meta property="og:url" content="{address}">'


_add(
    "address",
    own_canonical=lambda f: f.head(_link(f.url)),
    mobile_canonical=lambda f: f.head(_link(f.url.replace("//www.", "//m."))),
    front_canonical=lambda f: f.head(_link("/")),
    foreign_canonical=lambda f: f.head(_link("https://example.org/news/view/1")),
    broken_canonical=lambda f: f.head(_link("http://[")),
)
_add(
    "address",
    _none,
    other_canonical=lambda f: f.head(_link(f.other_url)),
    other_og_url=lambda f: f.head(_og(f.other_url)),
    other_both=lambda f: f.head(_link(f.other_url) + _og(f.other_url)),
)
_add(
    "address",
    lambda f: Right(body=f.article.body, flag=ADDRESSES_DISAGREE),
    disagreeing=lambda f: f.head(_link(f.url) + _og(f.other_url)),
)


def _teaser(f: Fixture) -> Right:
    return Right(body=f.article.body[:2], flag=PAYWALLED)


def _cut(f: Fixture, notice: str) -> str:
    kept = [f"<p>{text}</p>" for text in f.paragraphs[:2]]
    return f.page([*kept, notice])


_add(
    "paywall",
    _teaser,
    members=lambda f: _cut(f, "<p>이 기사는 유료회원 전용입니다.</p>"),
    box=lambda f: _cut(
        f, '<div class="pay"><p>이 기사는 구독자 전용입니다.</p><a href="/login">로그인</a></div>'
    ),
    rest=lambda f: _cut(f, "<p>나머지 내용은 구독 후 보실 수 있습니다.</p>"),
    sign_in=lambda f: _cut(f, "<p>기사 전문을 보시려면 로그인해 주세요.</p>"),
    english=lambda f: _cut(f, "<p>Subscribe to continue reading</p>"),
)
_add(
    "paywall",
    lambda f: Right(body=f.article.body, flag=PAYWALLED),
    not_free=lambda f: f.head(_script(_own(f) | {"isAccessibleForFree": False})),
    not_free_text=lambda f: f.head(_script(_own(f) | {"isAccessibleForFree": "False"})),
    part_not_free=lambda f: f.head(
        _script(_own(f) | {"hasPart": {"isAccessibleForFree": False, "cssSelector": ".paid"}})
    ),
    not_free_meta=lambda f: f.head('<meta itemprop="isAccessibleForFree" content="false">'),
)
_add(
    "paywall",
    other_not_free=lambda f: f.head(_script(_foreign(f) | {"isAccessibleForFree": False})),
    free=lambda f: f.head(_script(_own(f) | {"isAccessibleForFree": True})),
)
_add(
    "not an article",
    _none,
    login=lambda f: f.only("<p>이 기사는 구독자 전용입니다. 로그인이 필요합니다.</p>"),
    deleted=lambda f: f.only("<p>삭제된 기사입니다.</p>"),
    deleted_on_request=lambda f: f.only("<p>이 기사는 취재원의 요청으로 삭제되었습니다.</p>"),
    stopped=lambda f: f.only("<p>이 기사는 본사의 편집 방침에 따라 게재가 중단됐습니다.</p>"),
    not_found=lambda f: f.only("<p>요청하신 기사를 찾을 수 없습니다.</p>"),
    challenge=lambda f: f.only("<p>자동등록방지 문자를 입력해 주세요. 로봇이 아닙니다.</p>"),
    consent=lambda f: f.only("<p>계속하려면 쿠키 사용에 동의해 주세요.</p>"),
    empty=lambda f: f.only(""),
    blank=lambda f: f.only("<p>&nbsp;</p><p>\u200b</p>"),
    script_only=lambda f: f.only("<script>document.write('기사 본문이다.')</script>"),
    maintenance=lambda _: (
        "<html><body><h1>서비스 점검 중</h1><p>잠시 후 다시 이용해 주세요.</p></body></html>"
    ),
    alert=lambda _: (
        "<html><script>alert('존재하지 않는 기사입니다.');history.back();</script></html>"
    ),
    front_page=lambda _: "<html><body><h1>오늘의 뉴스</h1><ul><li>하나</li></ul></body></html>",
)


def _flash(words: str) -> tuple[Callable[[Fixture], Made], Callable[[Fixture], Right]]:
    return lambda f: f.only(f"<p>{words}</p>"), lambda _: Right(body=(words,))


for _name, _words in {
    "bare": "정부는 5일 새 법을 알렸다.",
    "about_deletion": '회사는 5일 "기사가 삭제되었습니다"라는 안내 문구를 없앤다고 밝혔다.',
    "about_captcha": "회사는 5일 CAPTCHA를 없애고 다른 방법을 쓴다고 밝혔다.",
    "about_cookies": "당국은 5일 쿠키 동의 안내를 어긴 회사 세 곳에 과징금을 물렸다.",
    "about_access": "당국은 5일 비정상적인 접근이 있었다며 수사를 맡겼다고 밝혔다.",
    "about_members": "회사는 5일 유료 회원에게만 제공하던 자료를 공개한다고 밝혔다.",
}.items():
    _make, _right = _flash(_words)
    _add("flash", _right, **{_name: _make})
_add("bytes", _same, cp949=lambda f: _encoded(f, "cp949"), utf_16=lambda f: _encoded(f, "utf-16"))


def _encoded(f: Fixture, charset: str) -> bytes | None:
    declared = {"cp949": "euc-kr"}.get(charset, charset)
    try:
        return _CHARSET.sub(f'charset="{declared}', f.page(), count=1).encode(charset)
    except UnicodeEncodeError:
        return None


def _undeclared(f: Fixture, charset: str) -> bytes | None:
    try:
        return re.sub(r"<meta[^>]*charset[^>]*>", "", f.page()).encode(charset)
    except UnicodeEncodeError:
        return None


_add(
    "bytes",
    utf_8_said_euc_kr=lambda f: _CHARSET.sub('charset="euc-kr', f.page(), count=1).encode(),
    undeclared_cp949=lambda f: _undeclared(f, "cp949"),
    undeclared_utf_8=lambda f: _undeclared(f, "utf-8"),
)
_add(
    "bytes",
    lambda _: Right(),
    one_bad_byte=lambda f: f.after("<p>\udcff</p>").encode("utf-8", "surrogateescape"),
)
_add(
    "bytes",
    _none,
    latin_1=lambda f: f.page().encode().decode("latin-1").encode(),
    question_marks=lambda f: re.sub("[가-힣ㄱ-ㅎ]", "?", f.page()),
    cut_in_the_body=lambda f: f.page()[: f.page().index(f.paragraphs[2]) + 15],
    cut_before_the_body=lambda f: f.page()[: f.page().index(f.paragraphs[0])],
)


def _article_behind(f: Fixture) -> str:
    other = "<article><h1>다음 기사</h1><div><p>이것은 다음 기사의 본문이다.</p></div></article>"
    return f.page().replace("</body>", f"{other}</body>")


_add("noise", next_article=_article_behind)
_add(
    "pictures",
    lambda f: Right(body=f.article.body, caption="시장 앞의 사람들"),
    figure=lambda f: f.after(
        '<figure><img src="/a.jpg"><figcaption>시장 앞의 사람들</figcaption></figure>'
    ),
)
_add(
    "pictures",
    lazy=lambda f: f.page().replace(
        '<img src="', '<img src="data:image/gif;base64,R0" data-original="'
    ),
    sources=lambda f: f.after('<picture><source srcset="/a.webp 1x"><img src="/a.jpg"></picture>'),
)


def _text(change: Callable[[str], Made]) -> Callable[[Fixture], Made]:
    return lambda f: change(f.frame)


def _in_cp949(text: str) -> bytes | None:
    try:
        return text.encode("cp949")
    except UnicodeEncodeError:
        return None


_TEXTS = {
    "crlf": _text(lambda t: t.replace("\n", "\r\n")),
    "trailing_blanks": _text(lambda t: t.replace("\n", "  \n")),
    "blank_lines": _text(lambda t: t.replace("\n", "\n\n")),
    "byte_order_mark": _text(lambda t: "\ufeff" + t),
    "decomposed": _text(lambda t: unicodedata.normalize("NFD", t)),
    "no_break_spaces": _text(lambda t: t.replace(" ", "\u00a0")),
    "cp949": _text(_in_cp949),
    "tabs": _text(lambda t: "\n".join(f"\t{line}" for line in t.split("\n"))),
}
_add("text renderings", _same, **{f"text_{name}": make for name, make in _TEXTS.items()})


@dataclass
class Tally:
    """What was counted of one group."""

    right: int = 0
    all: int = 0
    lost: int = 0
    false: int = 0
    refused: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


def load() -> Iterator[Fixture]:
    """Yield the fixtures, taken apart."""
    for path in made_fixtures():
        fixture = _taken_apart(path)
        if fixture is not None:
            yield fixture


def _taken_apart(path: Path) -> Fixture | None:
    page = read_fixture(path)
    article = page.article
    if article is None:
        return None
    content = page.exchange.body
    if page.exchange.head:
        head = http.parse_head(page.exchange.head)
        content = content_coding.decode_content(head, http.payload(head, content), 2**22)
    text = content.decode(page.decoded.used, "replace")
    url = article.url
    at = page.exchange.captured_at
    whole = Fixture(name_of(path), article.outlet, url, at, text, (), article)
    if not whole.is_html:
        return whole
    frame = _CHARSET.sub('charset="utf-8', text, count=1)
    found: list[str] = []
    for block in article.body:
        match = next((m for m in _PARAGRAPH.finditer(frame) if _plain(m[1]) == block), None)
        if match is None:
            return None
        slot = _SLOT.format(len(found))
        frame = frame[: match.start()] + slot + frame[match.end() :]
        found.append(match[1])
    return replace(whole, frame=frame, paragraphs=tuple(found))


def _plain(inner: str) -> str:
    return clean(markup.unescape(re.sub(r"<[^>]+>", "", inner)))


def exchange_of(fixture: Fixture, made: str | bytes) -> Exchange:
    """Return a distorted page as if it had been saved."""
    data = made.encode() if isinstance(made, str) else made
    media = "text/html" if fixture.is_html else "text/plain"
    return Exchange(
        url=fixture.url if fixture.is_html else content_urn(data),
        captured_at=fixture.at,
        body=data,
        media_type=media,
        time_known=fixture.is_html,
    )


def read(fixture: Fixture, made: str | bytes) -> Page:
    """Return the reading of a distorted page."""
    exchange = exchange_of(fixture, made)
    return read_by_layouts(exchange, outlet_named(fixture.outlet), fixture.name)


def sentences_lost(right: Right, article: Article) -> list[str]:
    """Return the sentences that should be in the body and are not."""
    there = re.sub(r"\s+", "", article.text)
    wanted = [each for block in right.body or () for each in _SENTENCE.split(block)]
    return [each for each in wanted if re.sub(r"\s+", "", each) not in there]


def faults(fixture: Fixture, right: Right, page: Page) -> list[str]:
    """Return what is wrong with a reading."""
    article = page.article
    if article is None:
        return [f"refused: {page.verdict}"] if right.article else []
    if not right.article:
        return ["stored"]
    known = fixture.article
    found = [f"lost: {each}" for each in sentences_lost(right, article)]
    if right.body is not None and article.body != right.body:
        found.append("body differs")
    for name in ("headline", "published_at", "modified_at", "subheadlines"):
        if _coarse(getattr(article, name)) != _coarse(getattr(known, name)):
            found.append(f"{name}: {getattr(article, name)}")
    # Where the byline is printed in the first paragraph, it must be there to be read.
    if right.body and right.body[0] == known.body[0] and article.authors != known.authors:
        found.append(f"authors: {article.authors}")
    if right.flag and right.flag not in article.flags:
        found.append(f"no flag {right.flag}")
    if not right.flag and PAYWALLED in article.flags:
        found.append("flagged as paid")
    if right.caption and right.caption not in {image.caption for image in article.images}:
        found.append("no caption")
    return found


def _coarse(value: object) -> object:
    return value.replace(second=0) if hasattr(value, "second") else value  # type: ignore[attr-defined]  # a datetime


def run(only: str, *, show_wrong: bool) -> dict[str, Tally]:
    """Try every kind on every fixture; return the tallies by group."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    loaded = list(load())
    for mutation in MUTATIONS:
        if only not in ("", mutation.name, mutation.group):
            continue
        for fixture in loaded:
            if fixture.is_html is (mutation.group == "text renderings"):
                continue
            made = mutation.make(fixture)
            if made is not None:
                page = read(fixture, made)
                found = faults(fixture, mutation.right(fixture), page)
                _count(tallies[mutation.group], mutation.name, found)
                if found and show_wrong:
                    print(
                        f"{mutation.group}/{mutation.name} {fixture.name}: {'; '.join(found)[:200]}"
                    )
    return tallies


def _count(tally: Tally, name: str, found: list[str]) -> None:
    tally.all += 1
    tally.right += not found
    tally.lost += sum(each.startswith("lost: ") for each in found)
    tally.false += "stored" in found
    tally.refused += any(each.startswith("refused") for each in found)
    if found:
        tally.wrong[name] += 1


def main() -> int:
    """Print a line a group; return 1 if a sentence was lost or a page falsely stored."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--wrong", action="store_true", help="print every reading that is not right"
    )
    parser.add_argument("--only", default="", metavar="NAME", help="only this kind, or this group")
    options = parser.parse_args()
    tallies = run(options.only, show_wrong=options.wrong)
    kinds = Counter(mutation.group for mutation in MUTATIONS)
    print(
        f"{'group':16} {'kinds':>5} {'right':>6} {'of':>6} {'lost':>5} {'false':>5} {'refused':>7}"
    )
    total = Tally()
    for group, tally in tallies.items():
        wrong = ", ".join(f"{name} {count}" for name, count in tally.wrong.items())
        print(
            f"{group:16} {kinds[group]:5} {tally.right:6} {tally.all:6} {tally.lost:5}"
            f" {tally.false:5} {tally.refused:7}  {wrong}"
        )
        for name in ("right", "all", "lost", "false", "refused"):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
    print(
        f"{'all':16} {len(MUTATIONS):5} {total.right:6} {total.all:6} {total.lost:5}"
        f" {total.false:5} {total.refused:7}"
    )
    return 1 if total.lost or total.false else 0


if __name__ == "__main__":
    sys.exit(main())
