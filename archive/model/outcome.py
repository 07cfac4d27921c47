"""The outcomes of a capture and their reasons, which are also the names of the counters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from archive.model.errors import OUT_OF_MEMORY, TOO_MANY_FILES, is_out_of_files


class Outcome(StrEnum):
    """The one outcome of a capture; ``new`` and ``changed`` together are what was stored."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNPARSED = "unparsed"
    SKIPPED = "skipped"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a capture was not stored as an article."""

    # unparsed: the bytes are kept, no article could be read from them
    EMPTY_BODY = "empty_body"
    NO_LAYOUT = "no_layout"
    NO_HEADLINE = "no_headline"
    NO_PUBLISHED = "no_published"
    NO_BODY = "no_body"
    BODY_TOO_SHORT = "body_too_short"
    MOJIBAKE = "mojibake"
    LOGIN_WALL = "login_wall"
    CONSENT_WALL = "consent_wall"
    BOT_CHALLENGE = "bot_challenge"
    MAINTENANCE = "maintenance"
    SOFT_404 = "soft_404"
    BAD_CONTENT = "bad_content"
    UNKNOWN_CODING = "unknown_coding"
    NO_IDENTITY = "no_identity"
    OTHER_ARTICLE = "other_article"
    TOO_COSTLY = "too_costly"

    # skipped: not ours to read
    UNKNOWN_OUTLET = "unknown_outlet"
    NOT_AN_ARTICLE = "not_an_article"
    NOT_A_PAGE = "not_a_page"
    HTTP_STATUS = "http_status"
    DELETED = "deleted"
    REVISIT = "revisit"
    NO_ORIGINAL = "no_original"
    UNKNOWN_PROFILE = "unknown_profile"
    REMOVED = "removed"
    ROBOTS = "robots"
    DROPPED = "dropped"
    IGNORED = "ignored"
    REDIRECT_TO_FRONT = "redirect_to_front"
    REDIRECT_ELSEWHERE = "redirect_elsewhere"

    # failed: the input itself is damaged or out of reach
    MISSING = "missing"
    UNREADABLE = "unreadable"
    EMPTY_FILE = "empty_file"
    BINARY = "binary"
    TOO_LARGE = "too_large"
    BAD_SIDECAR = "bad_sidecar"
    NOT_A_WARC = "not_a_warc"
    BAD_PACKAGE = "bad_package"
    TRUNCATED = "truncated"
    BAD_DIGEST = "bad_digest"
    BAD_RECORD = "bad_record"

    # failed: the outlet was not reached, or reached and not understood
    DNS = "dns"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_LOST = "connection_lost"
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    TUNNEL = "tunnel"
    DATALOSS = "dataloss"
    HEAD_TOO_LARGE = "head_too_large"
    TOO_MANY_REDIRECTS = "too_many_redirects"

    # failed: nothing was asked of the page, because the host must be left alone for now
    ROBOTS_UNREACHABLE = "robots_unreachable"
    HOST_BUSY = "host_busy"

    # failed: we would not, or could not
    ADDRESS_REFUSED = "address_refused"
    REQUEST_REFUSED = "request_refused"
    INTERNAL_ERROR = "internal_error"


#: Reasons that hold for every address of a host.
OF_HOST = frozenset(
    {
        Reason.DNS,
        Reason.CONNECTION_REFUSED,
        Reason.CERTIFICATE,
        Reason.TUNNEL,
        Reason.ROBOTS_UNREACHABLE,
        Reason.HOST_BUSY,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome with its reason; ``detail`` is for people and never compared."""

    outcome: Outcome
    reason: Reason | None = None
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.outcome}/{self.reason}" if self.reason else str(self.outcome)


#: Characters kept of what an error says.
_LONGEST_ERROR = 300


def internal_error(error: BaseException) -> Verdict:
    """Return the verdict on something at which our own code raised an error."""
    if isinstance(error, MemoryError):
        said = OUT_OF_MEMORY
    elif is_out_of_files(error):
        said = TOO_MANY_FILES
    else:
        said = f"{repr(error)[:_LONGEST_ERROR]}: this is a bug; please report it"
    return Verdict(Outcome.FAILED, Reason.INTERNAL_ERROR, said)
