"""Recognise pages that are not articles: walls, bot challenges, soft 404s, deleted articles.

A wall speaks to its reader ("로그인해 주세요"); a reporter tells in plain form what somebody did
("…고 밝혔다") and quotes a wall's words. So the words count in a block that does not read as a
reporter's, and decide only where no block does.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from archive.model.outcome import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: What only the code of a challenge or a login form holds, wherever it stands.
_MARKUP: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (
        Reason.BOT_CHALLENGE,
        re.compile(r"_cf_chl_opt|cf-challenge|(?:re|h)captcha|captcha[-_/]", re.IGNORECASE),
    ),
    (
        Reason.LOGIN_WALL,
        re.compile(r"<input[^>]{0,200}type\s*=\s*[\"']?password", re.IGNORECASE),
    ),
)
#: In order: a challenge page may also hold a form, a not-found page a login link. The patterns are
#: words that such a page shows.
_SIGNS: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (
        Reason.BOT_CHALLENGE,
        re.compile(
            r"Just a moment\.\.\.|captcha|Checking your browser|Verify you are human|Access Denied"
            r"|enable (?:JavaScript|cookies)|자동\s?등록\s?방지|사람인지 확인"
            # "Wrong" or "abnormal access" refuses the client; it says nothing about the article.
            r"|(?:비정상적인|잘못된) 접근|로봇이 아닙니다",
            re.IGNORECASE,
        ),
    ),
    (
        # General usage, confidence C. Such a page may also say that the page cannot be found.
        Reason.MAINTENANCE,
        re.compile(
            r"(?:서비스|시스템|서버|사이트|홈페이지)\s?(?:정기\s?|긴급\s?|임시\s?)?점검"
            r"|점검\s?중(?:입니다|이오니|이므로)"
            r"|(?:under|scheduled) maintenance",
            re.IGNORECASE,
        ),
    ),
    (
        # Words for an article that existed. The outlets' own wording is not known: this is general
        # usage, confidence C. "Deleted or never there" is a soft 404.
        Reason.DELETED,
        re.compile(
            r"(?:삭제|비공개|철회|취소|(?:게재|게시|서비스|제공|노출)[가이]?\s?(?:중단|중지|종료))"
            r"(?:\s?(?:처리|조치))?된\s?(?:기사|뉴스)"
            r"|(?:서비스|제공|게재|공개)(?:되지|하지) 않는\s?(?:기사|뉴스)"
            r"|(?:기사|뉴스|콘텐츠|게시물)[가는은의를]?\s(?:[^.<]{0,40}\s)?"
            r"(?:(?:(?:삭제|철회|취소)(?:\s?(?:처리|조치))?|비공개(?:로 전환|\s?처리)?"
            r"|(?:게재|게시|서비스|제공|노출|공개|보도)[가를이]?\s?(?:중단|중지|종료|취소))"
            r"(?:되었습|됐습|하였습|했습|합|됩)니다"
            r"|더\s?이상\s[^.<]{0,20}(?:않습니다|없습니다))"
        ),
    ),
    (
        Reason.SOFT_404,
        re.compile(
            r"(?:페이지|기사|게시물|요청하신 .{0,20})[을를은는이가]?\s?"
            r"(?:찾을 수 없|존재하지 않|삭제되었|삭제된|없습니다)"
            r"|(?:찾을 수 없는|존재하지 않는|열람할 수 없는|없는)"
            r" (?:페이지|기사|뉴스|게시물|주소)입니다"
            r"|잘못된 (?:경로|주소|요청)|Page Not Found|404 Not Found",
            re.IGNORECASE,
        ),
    ),
    (
        Reason.LOGIN_WALL,
        re.compile(
            r"로그인(?:이|을|후| 후)?\s?(?:필요|하셔야|하시면|해 ?주세요|이용)"
            r"|회원(?:만|전용| 전용|에게만)|구독자\s?(?:전용|만|에게만)"
            r"|구독(?:\s?후|하시면|하셔야)",
            re.IGNORECASE,
        ),
    ),
    (
        Reason.CONSENT_WALL,
        re.compile(
            r"(?:쿠키|cookie)[^<]{0,80}(?:동의|허용|consent|accept)|개인정보[^<]{0,40}동의해 ?주",
            re.IGNORECASE,
        ),
    ),
)
#: Walls are short; patterns over megabytes of something else take seconds.
_LONGEST = 2**20
#: A body with more characters is no notice.
_LONGEST_NOTICE = 1_000
#: A block without the end of a sentence is a notice (`구독자 전용`) if it is as short as a label.
_LABEL = 40
_QUOTED = re.compile(r"“[^”]{0,300}”|‘[^’]{0,300}’|\"[^\"]{0,300}\"|'[^']{0,300}'|「[^」]{0,300}」")
#: The end of a sentence in the form of reports, and in the form in which a page addresses readers.
_PLAIN = re.compile(r"(?<=[가-힣])(?<!니)다(?:[.(\[]|[)\]]?$)")
_POLITE = re.compile(r"(?:니다|세요|시오|어요|아요|해요)(?:[.!\s)\]]|$)")
_REPORTS = re.compile(r"(?:밝혔|말했|전했|발표했|설명했|보도했|강조했|주장했|지적했|덧붙였)습니다")
_DATELINE = re.compile(r"[\[(][^\])]{1,30}=[^\])]{1,30}[\])]")
_CODE = re.compile(
    r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE
)
_ALERT = re.compile(r"""\balert\s*\(\s*(?:"([^"]{1,300})"|'([^']{1,300})')""")
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]*>?|[!?][^<>]*>?)")


def recognise_wall(html: str) -> Reason | None:
    """Return which kind of wall the page shows, or None; for pages without an article only."""
    html = html[:_LONGEST]
    if not html.strip():
        return Reason.EMPTY_BODY
    shown = _shown(html)
    found = {reason for reason, sign in _MARKUP if sign.search(html)}
    found |= {reason for reason in map(_notice, shown) if reason is not None}
    return next((reason for reason, _ in _SIGNS if reason in found), None)


def wall_in(blocks: Sequence[str], headline: str) -> Reason | None:
    """Return which kind of wall is all that a body holds; None if a block may be a reporter's."""
    if sum(map(len, blocks)) > _LONGEST_NOTICE:
        return None
    found = [_notice(block) for block in blocks]
    if not any(found) or any(map(is_reporters, blocks)):
        return None
    if _notice(headline) is None and any(_repeats(block, headline) for block in blocks):
        return None
    return next(reason for reason, _ in _SIGNS if reason in found)


def _notice(block: str) -> Reason | None:
    """Return which wall a block is the notice of, None if it is none."""
    for reason, sign in _SIGNS:
        if sign.search(block):
            bare = _QUOTED.sub(" ", block)
            speaks = len(block) <= _LABEL or _POLITE.search(bare)
            return reason if speaks and sign.search(bare) and not is_reporters(block) else None
    return None


def is_reporters(block: str) -> bool:
    """Whether a block has a dateline, or tells in plain form, outside of quotations, what happened.

    In polite form, as on air, it tells what somebody said.
    """
    if _DATELINE.match(block):
        return True
    bare = _QUOTED.sub(" ", block).rstrip()
    return _PLAIN.search(bare) is not None or _REPORTS.search(bare) is not None


def _repeats(block: str, headline: str) -> bool:
    """Whether a block says what the headline says, as the body of a flash does."""
    words, known = set(block.split()), set(headline.split())
    return len(words & known) * 2 > len(words)


def _shown(html: str) -> Iterable[str]:
    """Return the lines that a page shows, those of its alerts too."""
    alerts = [first or second for first, second in _ALERT.findall(html)]
    text = unescape(_TAG.sub("\n", _CODE.sub("\n", html)))
    return [*alerts, *(" ".join(line.split()) for line in text.split("\n") if line.strip())]
