"""Map the exceptions of a request to the verdict of its visit."""

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

#: The longest detail of a verdict, which may quote what an outlet sent.
_MAX_DETAIL = 1000

#: The first class that an exception is an instance of decides.
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
#: Reasons that make a visit skipped and not failed.
_SKIPPED = frozenset({Reason.ROBOTS, Reason.IGNORED})


def verdict_of(error: BaseException | None) -> Verdict:
    """Return the verdict of a visit that ended in an exception.

    Our own exceptions have a ``reason``. An unexpected exception is logged with its traceback and
    becomes ``internal_error``.
    """
    detail = " ".join(str(error).split())[:_MAX_DETAIL] or type(error).__name__
    reason = _own_reason(error) or _scrapy_reason(error)
    if reason is not None:
        outcome = Outcome.SKIPPED if reason in _SKIPPED else Outcome.FAILED
        return Verdict(outcome, reason, detail)
    if isinstance(error, HttpError):
        # The spider handles all statuses but redirects, so this is one that Scrapy did not follow.
        where = (error.response.headers.get("Location") or b"nowhere").decode("latin-1")
        return Verdict(
            Outcome.FAILED, Reason.REQUEST_REFUSED, f"the redirect to {where} is not followed"
        )
    if isinstance(error, IgnoreRequest) and "redirect" in detail:
        return Verdict(Outcome.FAILED, Reason.TOO_MANY_REDIRECTS, detail)
    if isinstance(error, IgnoreRequest):  # of a component of the user's: ours name a reason
        return Verdict(Outcome.SKIPPED, Reason.IGNORED, detail)
    # An index or archive that cannot store a copy of robots.txt ends the crawl, which reports it.
    if not isinstance(error, (IndexUnusableError, SegmentError)):
        _log.error("Unexpected exception of a request", exc_info=error)
    return Verdict(Outcome.FAILED, Reason.INTERNAL_ERROR, detail)


def _own_reason(error: BaseException | None) -> Reason | None:
    """Return the reason that an exception of ours names, None for other exceptions."""
    name = getattr(error, "reason", "")
    if isinstance(name, str) and name in _NAMES:
        return Reason(name)
    return None


def _scrapy_reason(error: BaseException | None) -> Reason | None:
    """Return the reason for an exception of Scrapy's download handlers, None for others."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return None
