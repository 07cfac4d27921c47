"""Posting of alarms to ALERT_URL: one POST of JSON for each alarm, and one when it is over.

The POST is made with http.client in a thread of its own. urllib3, requests and httpx bound the time
between two bytes, not the whole exchange: a server that sent a byte each 0.1 s held a POST with a
timeout of 0.5 s for 6 s.
"""

from __future__ import annotations

import base64
import http.client
import json
import logging
import re
import socket
import ssl
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from archive.index.database import IndexUnusableError
from archive.index.writers.leases import LeaseLostError, Leases
from archive.index.writers.parts import ALARMS
from archive.model.shown_url import shown_url
from archive.runs.alarms import Alarm, mark_delivered, undelivered
from crawler import VERSION
from crawler.cli.memory import start_thread
from crawler.cli.output.times import kst_iso
from crawler.model.text import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from archive.index.database import Index

_log = logging.getLogger(__name__)
#: Seconds that one POST may take, and until the next attempt after one that failed.
TIMEOUT, RETRY_AFTER = 10.0, 60.0
#: Alarms posted in a row, and how long ago an alarm may have ended that is posted at all.
BATCH, NEWS = 20, timedelta(days=7)

_INVALID = (
    "{} is not a valid address: write http:// or https://, a host and a path, with %XX for "
    "characters that are not ASCII"
)
_HOST, _VISIBLE = re.compile(r"[0-9A-Za-z._:-]+", re.ASCII), re.compile(r"[!-~]*")


class AlertUrlError(ValueError):
    """An address to post to is not valid; the message is a sentence."""


class DeliveryError(Exception):
    """The server did not accept the POST; the message says why in few words."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address that alarms are posted to; ``target`` is its path and query."""

    secure: bool
    host: str
    port: int | None
    target: str
    credentials: str = ""

    @property
    def shown(self) -> str:
        """The address for the log, without path and query, which may contain a key."""
        scheme = "https" if self.secure else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return f"{scheme}://{host}{port}"


def parse_address(url: str, name: str = "ALERT_URL") -> Address:
    """Return the address of an ALERT_URL, or of what else is named so.

    :raises AlertUrlError: it is not valid.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError as error:  # a port out of range, an open bracket, an invalid label
        raise AlertUrlError(_INVALID.format(name)) from error
    valid = parts.scheme in ("http", "https") and _HOST.fullmatch(host)
    if not valid or not _VISIBLE.fullmatch(parts.path + parts.query):
        raise AlertUrlError(_INVALID.format(name))
    query = f"?{parts.query}" if parts.query else ""
    return Address(
        secure=parts.scheme == "https",
        host=host,
        port=port,
        target=(parts.path or "/") + query,
        credentials=_credentials(parts),
    )


def post(address: Address, message: Mapping[str, Any], timeout: float = TIMEOUT) -> None:
    """Send one POST. Redirects are not followed, no proxy is used, certificates are verified.

    :raises DeliveryError: it was not accepted within ``timeout`` seconds, the look-up of the name
        and a slow answer included.
    """
    kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
    # without a port it would search for one behind the last colon of an IPv6 address
    connection = kind(address.host, address.port or kind.default_port, timeout=timeout)
    expired = threading.Event()
    timer = threading.Timer(timeout, _cut, [connection, expired])
    timer.daemon = True
    timer.start()
    try:
        status = _exchange(connection, address, message, expired)
    except TimeoutError as error:
        raise _no_answer(timeout) from error
    except ssl.SSLCertVerificationError as error:
        raise DeliveryError(f"its certificate is not valid: {error.verify_message}") from error
    except (OSError, http.client.HTTPException) as error:
        if expired.is_set():
            raise _no_answer(timeout) from error
        raise DeliveryError(_reason(error)) from error
    finally:
        timer.cancel()
        connection.close()
    if expired.is_set():  # an answer that was cut off looks like a short one
        raise _no_answer(timeout)
    if 300 <= status < 400:
        raise DeliveryError(f"it answered {status}, and redirects are not followed")
    if not 200 <= status < 300:
        raise DeliveryError(f"it answered {status}")


class Webhook:
    """Posts the alarms of an index to an address until they are accepted.

    Any number of processes may do so: a lease lets one of them post at a time, so that each alarm
    is posted once. ``timeout`` and ``retry_after`` are in seconds.
    """

    def __init__(
        self,
        address: Address,
        index: Index,
        timeout: float = TIMEOUT,
        retry_after: float = RETRY_AFTER,
    ) -> None:
        self._address, self._index = address, index
        self._timeout, self._retry_after = timeout, retry_after
        self._lease = Leases(index, ["alerts"], uuid.uuid4().hex)
        self._thread: threading.Thread | None = None
        self._next: float | None = 0.0
        self._problem = ""

    def wake(self) -> None:
        """Note that there may be alarms to post."""
        if self._next is None:
            self._next = 0.0

    def poll(self) -> None:
        """Start to post in a thread, if there may be alarms, it is time, and no thread runs."""
        if self._next is None or monotonic() < self._next:
            return
        if self._thread is not None and self._thread.is_alive():
            return
        self._next = None
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        start_thread(self._thread)

    def wait(self) -> None:
        """Wait for the POST that is being sent, at most for its timeout."""
        if self._thread is not None:
            self._thread.join(self._timeout + 1)

    def _run(self) -> None:
        try:
            if self._lease.take() is not None:  # another process posts
                self._next = monotonic() + self._retry_after
                return
            try:
                has_more = self._deliver()
            finally:
                self._lease.release()
        except LeaseLostError:
            self._next = monotonic() + self._retry_after
        except IndexUnusableError as error:
            self._retry(str(error))
        except DeliveryError as error:
            self._retry(f"ALERT_URL ({self._address.shown}) did not accept an alarm: {error}.")
        else:
            if self._problem:
                _log.info("ALERT_URL (%s) accepts alarms again.", self._address.shown)
            self._problem = ""
            if has_more:
                self._next = 0.0

    def _deliver(self) -> bool:
        """Post a batch in the order of the alarms; return whether there are more."""
        with self._index.reading() as connection:
            waiting = undelivered(connection, datetime.now(UTC) - NEWS)
        for alarm in waiting[:BATCH]:
            if alarm.notified_at is None:
                self._post(alarm, over=False)
            if alarm.ended_at is not None and alarm.resolved_notified_at is None:
                self._post(alarm, over=True)
        return len(waiting) > BATCH

    def _post(self, alarm: Alarm, *, over: bool) -> None:
        self._lease.renew()
        post(self._address, message_of(alarm, shown_url(self._index.url), over=over), self._timeout)
        with self._index.writing(ALARMS) as connection:
            mark_delivered(connection, alarm, datetime.now(UTC), over=over)

    def _retry(self, sentence: str) -> None:
        """Plan the next attempt; log the reason unless it is the same as before."""
        if sentence != self._problem:
            _log.error("%s Retrying every %s seconds.", sentence, int(self._retry_after))
        self._problem = sentence
        self._next = monotonic() + self._retry_after


def message_of(alarm: Alarm, index: str, *, over: bool) -> dict[str, str | None]:
    """Return the JSON of an alarm; ``ended_at`` is None in the message about its begin."""
    ended_at = kst_iso(alarm.ended_at) if over and alarm.ended_at else None
    return {
        "kind": alarm.kind.value,
        "subject": alarm.subject,
        "sentence": alarm.sentence,
        "began_at": kst_iso(alarm.began_at),
        "ended_at": ended_at,
        "host": socket.gethostname(),
        "index": as_text(index),
    }


def _credentials(parts: SplitResult) -> str:
    """Return ``user:password``, ``""`` if the address has neither."""
    named = unquote(f"{parts.username or ''}:{parts.password or ''}")
    return named if named != ":" else ""


def _exchange(
    connection: http.client.HTTPConnection,
    address: Address,
    message: Mapping[str, Any],
    expired: threading.Event,
) -> int:
    """Send the message and return the status of the answer.

    :raises TimeoutError: the time was over before anything was sent.
    """
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"Sacho/{VERSION}"}
    if address.credentials:
        token = base64.b64encode(address.credentials.encode()).decode("ascii")
        headers["Authorization"] = f"Basic {token}"
    connection.connect()
    if expired.is_set():  # a late message would be accepted now, and sent again in a minute
        raise TimeoutError
    body = json.dumps(message, ensure_ascii=False).encode()
    connection.request("POST", address.target, body, headers)
    return connection.getresponse().status


def _cut(connection: http.client.HTTPConnection, expired: threading.Event) -> None:
    """End an exchange whose time is over, even while it receives a little at a time."""
    expired.set()
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has just ended by itself


def _no_answer(timeout: float) -> DeliveryError:
    return DeliveryError(f"no answer in {timeout:.0f} s")


def _reason(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"no HTTP answer ({type(error).__name__})"
