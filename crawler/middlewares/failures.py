"""Why a request gave no page: every exception of the downloader as one of the closed set of reasons."""

from __future__ import annotations

import logging

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.spidermiddlewares.httperror import HttpError

from archive.index.database import IndexUnusableError
from archive.model.errors import SegmentError
from archive.model.outcome import Outcome, Reason, Verdict

_log = logging.getLogger(__name__)

#: In order: the first class an exception is of decides.
_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (CannotResolveHostError, Reason.DNS),
    (DownloadConnectionRefusedError, Reason.CONNECTION_REFUSED),
    (DownloadTimeoutError, Reason.TIMEOUT),
    (ResponseDataLossError, Reason.DATALOSS),
    (DownloadCancelledError, Reason.TOO_LARGE),
    (DownloadFailedError, Reason.CONNECTION_LOST),
    (UnsupportedURLSchemeError, Reason.REQUEST_REFUSED),
)
_NAMES = frozenset(map(str, Reason))
#: Reasons by which a page was rightly left alone.
_SKIPPED = frozenset({Reason.ROBOTS})


def verdict_of(error: BaseException | None) -> Verdict:
    """What a visit that ended in this exception became.

    Exceptions of our own carry their ``reason``; one that nobody foresaw is ours:
    ``internal_error``, logged whole.
    """
    named = getattr(error, "reason", "")
    detail = " ".join(str(error).split()) or type(error).__name__
    if isinstance(named, str) and named in _NAMES:
        reason = Reason(named)
        return Verdict(Outcome.SKIPPED if reason in _SKIPPED else Outcome.FAILED, reason, detail)
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return Verdict(Outcome.FAILED, reason, detail)
    # only redirects that Scrapy didn't follow end so: see the spider's statuses
    if isinstance(error, HttpError):
        where = (error.response.headers.get("Location") or b"nowhere").decode("latin-1")
        return Verdict(
            Outcome.FAILED, Reason.REQUEST_REFUSED, f"a redirect to {where} is not followed"
        )
    if isinstance(error, IgnoreRequest) and "redirect" in detail:
        return Verdict(Outcome.FAILED, Reason.TOO_MANY_REDIRECTS, detail)
    # of a copy of robots.txt; it ends the crawl
    if isinstance(error, (IndexUnusableError, SegmentError)):
        return Verdict(Outcome.FAILED, Reason.INTERNAL_ERROR, detail)
    _log.error("A request ended in an exception nobody foresaw", exc_info=error)
    return Verdict(Outcome.FAILED, Reason.INTERNAL_ERROR, detail)
