"""Find out whether an article is behind a paywall: by its words, its elements or its metadata."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from archive.model.article import PAYWALL_RULE, Removed
from crawler.extraction.html.jsonld import is_not_free, is_paid

if TYPE_CHECKING:
    from crawler.extraction.html.reader import PageReader
    from pipelines.page import Printed
    from pipelines.widget_rules import Widgets

#: Fewer characters than a sentence in front of the notice are no teaser: the page is a wall.
_TEASER = 20
#: A notice is a line or two.
_LONGEST = 160
#: A page has one such element, or one for each size of screen.
_MOST_ELEMENTS = 9
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_QUOTES = re.compile("[“”‘’\"'「」]")
#: A sentence of a report, in plain form. Notices address the reader and are polite.
_REPORTED = re.compile(r"(?<=[가-힣])(?<!니)다(?:[.(\[]|$)")
_POLITE = re.compile(r"(?:니다|세요|시오|까요|[어아해]요|전용|가능|[보읽]기|하기)[.!?]?\)?$")
_PAID = re.compile("유료|프리미엄|구독|멤버십|멤버스|회원|로그인|가입|결제|정기 ?독자")
_READ = re.compile("전용|한정|에게만|제공|공개|이용|열람|보시|보실|볼 수|읽|확인|보기|구매")
#: What makes a notice that of this article: it names it, the rest of it, or who may read it.
_OF_THIS = re.compile(
    r"(?:이|본|해당)\s?(?:기사|콘텐츠|글|뉴스|서비스)"
    r"|(?:전체|나머지|남은|이어지는|뒷)\s?(?:기사|내용|부분|글|본문)|(?:기사|본문)?\s?전문[을은]?\s|계속"
    r"|(?:유료|프리미엄|정기|멤버십)?\s?(?:회원|구독자|독자|멤버십|멤버스)\s?(?:만|에게만|전용|한정)"
)
#: Of the comments, of other channels, or of where the article was published before.
_OTHER = re.compile(
    "댓글|의견|채널|뉴스레터|카카오|네이버|유튜브|알림|더 많은|출고|먼저|앞서|게재된"
    "|제공된|제공했|무료로 공개"
)
_BUTTON = re.compile(
    r"(?:로그인|회원 ?가입|구독|구독 ?신청|지금 구독|결제|유료 ?회원 ?가입"
    r"|멤버십 ?가입|가입)(?:하기)?"
)
_ENGLISH = re.compile(
    r"(?:subscribe|sign in|log in|register)\b.{0,60}\b(?:continue|keep reading|full|access|read)\b"
    r"|\b(?:for|to) (?:paid |premium )?(?:subscribers|members)(?: only)?\b|subscribers?[- ]only",
    re.IGNORECASE,
)
#: One of these, in any case, is in each text that `_ENGLISH` is found in.
_ENGLISH_WORDS = ("subscribe", "sign in", "log in", "register", "members")
#: All words that notices have. Each alternative begins with one letter, by which the engine skips.
_WORDS = re.compile(
    "|".join(
        (
            _PAID.pattern,
            *(f"{word[0]}(?i:{word[1:]})" for word in _ENGLISH_WORDS),
            *(f"{word[0].upper()}(?i:{word[1:]})" for word in _ENGLISH_WORDS),
        )
    )
)


def is_stated_as_paid(reader: PageReader) -> bool:
    """Whether the page's metadata says that its article is not free to read."""
    return is_paid(reader.facts) or is_not_free(reader.meta.get("isAccessibleForFree", ""))


def take_element(reader: PageReader, selector: str) -> Removed | None:
    """Remove the elements that an outlet shows in place of the rest; return their text, if any."""
    if not selector:
        return None
    texts: list[str] = []
    for _ in range(_MOST_ELEMENTS):
        node = reader.tree.css_first(selector)
        if node is None:
            break
        texts.append(node.text(separator="\n", strip=True))
        node.decompose()
    if not texts:
        return None
    text = "\n".join(texts)
    return Removed(PAYWALL_RULE, text)


def take_notice(printed: Printed, widgets: Widgets) -> tuple[Printed, bool]:
    """Return what is printed without the notice behind the teaser, and whether there was one.

    The notice stands behind the last sentence of the report. One that more of the report follows is
    an advertisement, one that nothing precedes is all of the page.
    """
    blocks = printed.blocks
    if not _may_hold_notice("\n".join(filter(_may_be_notice, blocks))):  # nearly every article
        return printed, False
    at = next((i for i, block in enumerate(blocks) if _is_notice(block)), None)
    if at is None or sum(map(len, blocks[:at])) < _TEASER:
        return printed, False
    after = blocks[at:]
    if any(_is_reported(block) for block in widgets.article_part(blocks)[at:]):
        return printed, False
    notices = [block for block in after if _is_notice(block) or _accompanies(block)]
    kept = [block for block in after if block not in notices]
    span = Removed(PAYWALL_RULE, "\n".join(notices))
    return replace(printed, blocks=(*blocks[:at], *kept), removed=(*printed.removed, span)), True


def _may_be_notice(block: str) -> bool:
    """Whether a block is short and no sentence in plain form: notices address the reader."""
    is_plain = block.endswith("다.") and not block.endswith("니다.")
    return len(block) <= _LONGEST and not is_plain


def _may_hold_notice(text: str) -> bool:
    """Whether a text has a word of notices: asked once, it spares many searches in each block."""
    return _WORDS.search(text) is not None


def _is_reported(block: str) -> bool:
    return _REPORTED.search(block.rstrip()) is not None and not _is_notice(block)


def _is_notice(block: str) -> bool:
    """Whether a block says that the rest is for those who pay or are members, and nothing else."""
    if not _may_be_notice(block) or _QUOTES.search(block):
        return False
    if not _PAID.search(block) and not _ENGLISH.search(block):  # nearly every block
        return False
    sentences = _SENTENCE_END.split(block.strip())
    if not any(map(_says_paid, sentences)):
        return False
    return all(_says_paid(each) or _accompanies(each) for each in sentences)


def _says_paid(sentence: str) -> bool:
    sentence = sentence.strip()
    if _ENGLISH.search(sentence):
        return True
    needed = (_PAID, _READ, _OF_THIS, _POLITE)
    return all(each.search(sentence) for each in needed) and not _OTHER.search(sentence)


def _accompanies(text: str) -> bool:
    """Whether a sentence or a button goes with a notice: `로그인 후 이용해 주세요`, `로그인`."""
    text = text.strip()
    if _BUTTON.fullmatch(text):
        return True
    return len(text) < _LONGEST and all(each.search(text) for each in (_PAID, _POLITE))
