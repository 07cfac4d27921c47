"""What each outcome of a visit means for the article: the one table of it.

An outlet that answers oddly for an hour must not cost an article, so what may be over is looked at
again, what says that the article is gone is believed at a second look, and only what cannot change
ends an article at once. Crawl, reindex and deletions all read this table.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome, Reason

if TYPE_CHECKING:
    from archive.model.outcome import Verdict


class VisitKind(Enum):
    """What a verdict means for the article.

    ``SERVED``: the page was there, be it unfinished. ``TRANSIENT``: no answer about the article;
    it is visited again, after growing delays, and never given up. ``POSTPONED``: the page was not
    requested, so that no failure is counted. ``OURS``: an error of our own, due for the next run.
    ``DOUBTFUL``: the answer says that the article is gone; it is believed at a second look
    (`CONFIRM_AFTER`). ``FINAL``: it is not ours, or was taken down by us.
    """

    SERVED = auto()
    TRANSIENT = auto()
    POSTPONED = auto()
    OURS = auto()
    DOUBTFUL = auto()
    FINAL = auto()


#: An article is gone if two looks so far apart say so, and other articles of its outlet were
#: served in between.
CONFIRM_AFTER = timedelta(hours=6)
#: HTTP statuses that say that there is no such page. All other statuses say nothing of the
#: article: a firewall, a login, a broken or an overloaded server gives them.
GONE_STATUSES = frozenset({404, 410})

_SERVED, _TRANSIENT, _DOUBTFUL = VisitKind.SERVED, VisitKind.TRANSIENT, VisitKind.DOUBTFUL
_POSTPONED, _OURS, _FINAL = VisitKind.POSTPONED, VisitKind.OURS, VisitKind.FINAL
#: By reason. `HTTP_STATUS` is that of a status which is not one of `GONE_STATUSES`.
KINDS: dict[Reason, VisitKind] = {
    # Stored, and it seems unfinished: breaking news starts as a headline.
    Reason.NO_HEADLINE: _SERVED,
    Reason.NO_PUBLISHED: _SERVED,
    Reason.NO_BODY: _SERVED,
    Reason.BODY_TOO_SHORT: _SERVED,
    # Stored, and its next version may be read: looked at as often as an article, not for ever.
    Reason.TOO_COSTLY: _SERVED,
    # A pipeline of the user's did not want it, this time.
    Reason.DROPPED: _SERVED,
    # Another page was served in place of the article's.
    Reason.NO_LAYOUT: _TRANSIENT,
    Reason.EMPTY_BODY: _TRANSIENT,
    Reason.MOJIBAKE: _TRANSIENT,
    Reason.LOGIN_WALL: _TRANSIENT,
    Reason.CONSENT_WALL: _TRANSIENT,
    Reason.BOT_CHALLENGE: _TRANSIENT,
    Reason.MAINTENANCE: _TRANSIENT,
    Reason.BAD_CONTENT: _TRANSIENT,
    Reason.UNKNOWN_CODING: _TRANSIENT,
    Reason.NO_IDENTITY: _TRANSIENT,
    Reason.OTHER_ARTICLE: _TRANSIENT,
    Reason.NOT_A_PAGE: _TRANSIENT,
    Reason.HTTP_STATUS: _TRANSIENT,
    Reason.REDIRECT_TO_FRONT: _TRANSIENT,
    Reason.REDIRECT_ELSEWHERE: _TRANSIENT,
    Reason.TOO_MANY_REDIRECTS: _TRANSIENT,
    Reason.TRUNCATED: _TRANSIENT,
    Reason.TOO_LARGE: _TRANSIENT,
    Reason.HEAD_TOO_LARGE: _TRANSIENT,
    # The outlet was not reached. For these all articles of an outlet would be given up at once.
    Reason.DNS: _TRANSIENT,
    Reason.CONNECTION_REFUSED: _TRANSIENT,
    Reason.CONNECTION_LOST: _TRANSIENT,
    Reason.TIMEOUT: _TRANSIENT,
    Reason.CERTIFICATE: _TRANSIENT,
    Reason.TUNNEL: _TRANSIENT,
    Reason.DATALOSS: _TRANSIENT,
    Reason.ADDRESS_REFUSED: _TRANSIENT,
    Reason.REQUEST_REFUSED: _TRANSIENT,
    # robots.txt may forbid everything for an hour, too.
    Reason.ROBOTS: _TRANSIENT,
    # A downloader middleware of the user's did not let it through, this time.
    Reason.IGNORED: _TRANSIENT,
    Reason.ROBOTS_UNREACHABLE: _POSTPONED,
    Reason.HOST_BUSY: _POSTPONED,
    Reason.INTERNAL_ERROR: _OURS,
    # The page says that there is no such article.
    Reason.SOFT_404: _DOUBTFUL,
    Reason.DELETED: _DOUBTFUL,
    # Not ours by address, or taken down by us.
    Reason.UNKNOWN_OUTLET: _FINAL,
    Reason.NOT_AN_ARTICLE: _FINAL,
    Reason.REMOVED: _FINAL,
    # Of files and records, never of a visit: nothing is known of the article.
    Reason.REVISIT: _TRANSIENT,
    Reason.NO_ORIGINAL: _TRANSIENT,
    Reason.UNKNOWN_PROFILE: _TRANSIENT,
    Reason.MISSING: _TRANSIENT,
    Reason.UNREADABLE: _TRANSIENT,
    Reason.EMPTY_FILE: _TRANSIENT,
    Reason.BINARY: _TRANSIENT,
    Reason.BAD_SIDECAR: _TRANSIENT,
    Reason.NOT_A_WARC: _TRANSIENT,
    Reason.BAD_PACKAGE: _TRANSIENT,
    Reason.BAD_DIGEST: _TRANSIENT,
    Reason.BAD_RECORD: _TRANSIENT,
}
#: Reasons of errors of our own.
OURS = frozenset(reason for reason, kind in KINDS.items() if kind is _OURS)
#: Reasons found in a page with status 200 that say the same as `GONE_STATUSES`.
GONE_REASONS = frozenset(reason for reason, kind in KINDS.items() if kind is _DOUBTFUL)
#: The outcomes of a page from which an article was read.
READ = frozenset({Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED})


def visit_kind(verdict: Verdict, status: int | None = None) -> VisitKind:
    """Return what a verdict means for the article.

    ``status`` is the HTTP status, None if there was no response or it is not known. A reason that
    the table lacks is transient: an unknown reason must not end an article.
    """
    reason = verdict.reason
    if verdict.outcome in READ or reason is None:
        return VisitKind.SERVED
    if reason is Reason.HTTP_STATUS and status in GONE_STATUSES:
        return VisitKind.DOUBTFUL
    return KINDS.get(reason, VisitKind.TRANSIENT)
