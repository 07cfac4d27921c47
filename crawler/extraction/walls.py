"""Recognise pages that are not articles: walls, bot challenges, soft 404s, deleted articles."""

from __future__ import annotations

import re

from archive.model.outcome import Reason

#: In order: a challenge page may also hold a form, a not-found page a login link. The patterns are
#: words that such a page shows. They are searched only where no article could be read, so an
#: article about logins does not match.
_SIGNS: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (
        Reason.BOT_CHALLENGE,
        re.compile(
            r"_cf_chl_opt|cf-challenge|Just a moment\.\.\.|captcha|Checking your browser"
            r"|자동\s?등록\s?방지"
            # "Wrong" or "abnormal access" refuses the client; it says nothing about the article.
            r"|(?:비정상적인|잘못된) 접근|로봇이 아닙니다",
            re.IGNORECASE,
        ),
    ),
    (
        # Words for an article that existed. The outlets' own wording is not known: this is general
        # usage, confidence C.
        Reason.DELETED,
        re.compile(
            r"삭제(?:\s?처리)?된\s?기사|기사[가는]?\s(?:[^.<]{0,30}\s)?삭제(?:되었|됐|하였|했)습니다"
        ),
    ),
    (
        Reason.SOFT_404,
        re.compile(
            r"(?:페이지|기사|게시물|요청하신 .{0,20})[을를은는이가]?\s?"
            r"(?:찾을 수 없|존재하지 않|삭제되었|삭제된)"
            r"|잘못된 (?:경로|주소)|Page Not Found|404 Not Found",
            re.IGNORECASE,
        ),
    ),
    (
        Reason.LOGIN_WALL,
        re.compile(
            r"<input[^>]{0,200}type\s*=\s*[\"']?password"
            r"|로그인(?:이|을|후| 후)?\s?(?:필요|하셔야|해 ?주세요|이용)"
            r"|회원(?:만|전용|에게만)|구독자\s?전용",
            re.IGNORECASE,
        ),
    ),
    (
        Reason.CONSENT_WALL,
        re.compile(
            r"(?:쿠키|cookie)[^<]{0,80}(?:동의|consent|accept)|개인정보[^<]{0,40}동의해 ?주",
            re.IGNORECASE,
        ),
    ),
)
#: Walls are short; five patterns over megabytes of something else take seconds.
_LONGEST = 2**20


def recognise_wall(html: str) -> Reason | None:
    """Return which kind of wall the page shows, or None; for pages without a whole article only."""
    html = html[:_LONGEST]
    if not html.strip():
        return Reason.EMPTY_BODY
    return next((reason for reason, sign in _SIGNS if sign.search(html)), None)
