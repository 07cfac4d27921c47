"""Telling ALERT_URL: one POST of JSON an alarm, and one when it is over, in a thread that nothing waits for."""

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
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from archive.index.database import IndexUnusableError
from archive.index.leases import Lease
from archive.model.article import KST
from archive.runs.alarms import Alarm, mark_delivered, undelivered
from crawler import VERSION
from crawler.model.text import as_text

if TYPE_CHECKING:
    from archive.index.database import Index

_log = logging.getLogger(__name__)
#: Seconds that telling one alarm may take, and until the next try after one that was not taken.
PATIENCE, AGAIN = 10.0, 60.0
#: Alarms told at a time, and how long ago one may have been over that is told at all.
AT_ONCE, NEWS = 20, timedelta(days=7)


_NO_ADDRESS = "ALERT_URL is no address: write http:// or https://, a host and a path, with %XX for what is not ASCII"
_HOST, _VISIBLE = re.compile(r"[0-9A-Za-z._:-]+", re.ASCII), re.compile(r"[!-~]*")


class AlertUrlError(ValueError):
    """It is no address to tell alarms to; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where alarms are told. ``shown`` is what may be said of it: path and query may be somebody's key."""

    secure: bool
    host: str
    port: int | None
    target: str
    credentials: str = ""

    @property
    def shown(self) -> str:
        """The address without what may be secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}" + (
            f":{self.port}" if self.port else ""
        )


def address_of(url: str) -> Address:
    """Read an ALERT_URL.

    :raises AlertUrlError: it is none.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = host.encode("idna").decode("ascii")
    except (
        ValueError
    ) as error:  # a port beyond reckoning, a bracket too few, a name with a part too long or empty
        raise AlertUrlError(_NO_ADDRESS) from error
    rest = parts.path + parts.query
    if (
        parts.scheme not in ("http", "https")
        or not _HOST.fullmatch(host)
        or not _VISIBLE.fullmatch(rest)
    ):
        raise AlertUrlError(_NO_ADDRESS)
    named = unquote(f"{parts.username or ''}:{parts.password or ''}")
    return Address(
        secure=parts.scheme == "https",
        host=host,
        port=port,
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        credentials=named if named != ":" else "",
    )


class NotTakenError(Exception):
    """The other side did not take it; the message says why in few words."""


def post(address: Address, message: dict[str, str | None], patience: float = PATIENCE) -> None:
    """Tell one thing; no redirect is followed, and certificates are verified.

    :raises NotTakenError: it was not taken within so many seconds.
    """
    body = json.dumps(message, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"Sacho/{VERSION}"}
    if address.credentials:
        headers["Authorization"] = "Basic " + base64.b64encode(address.credentials.encode()).decode(
            "ascii"
        )
    kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
    # Without a port it would look for one behind the last colon of an IPv6 address.
    connection = kind(address.host, address.port or kind.default_port, timeout=patience)
    cut = threading.Event()
    late = threading.Timer(patience, _cut, [connection, cut])
    late.daemon = True
    late.start()
    try:
        connection.connect()
        # so long took its name to be found: it would take what is told again in a minute
        if cut.is_set():
            raise TimeoutError
        connection.request("POST", address.target, body, headers)
        status = connection.getresponse().status
    except TimeoutError as error:
        raise NotTakenError(f"no answer in {patience:.0f} s") from error
    except ssl.SSLCertVerificationError as error:
        raise NotTakenError(f"its certificate is not valid: {error.verify_message}") from error
    except (OSError, http.client.HTTPException) as error:
        raise NotTakenError(
            f"no answer in {patience:.0f} s" if cut.is_set() else _plain(error)
        ) from error
    finally:
        late.cancel()
        connection.close()
    if cut.is_set():  # an answer that was cut looks like a short one
        raise NotTakenError(f"no answer in {patience:.0f} s")
    if not 200 <= status < 300:
        raise NotTakenError(
            f"it answered {status}" + ", and redirects are not followed" * (300 <= status < 400)
        )


class Post:
    """Tells alarms of the index to an address until they are taken; any number of processes tell each of them once."""

    def __init__(
        self, address: Address, index: Index, patience: float = PATIENCE, again: float = AGAIN
    ) -> None:
        self._address, self._index, self._patience, self._again = address, index, patience, again
        self._lease = Lease(index, "alerts", uuid.uuid4().hex)
        self._thread: threading.Thread | None = None
        self._next: float | None = 0.0
        self._trouble = ""

    def wake(self) -> None:
        """There may be something to tell."""
        if self._next is None:
            self._next = 0.0

    def look(self) -> None:
        """Begin to tell, if there may be something, it is time, and nobody is at it yet."""
        if (
            self._next is None
            or monotonic() < self._next
            or (self._thread is not None and self._thread.is_alive())
        ):
            return
        self._next = None
        self._thread = threading.Thread(target=self._tell, name="alerts", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Let what is being told be told, within one message's patience."""
        if self._thread is not None:
            self._thread.join(self._patience + 1)

    def _tell(self) -> None:
        try:
            if self._lease.take() is not None:
                self._next = monotonic() + self._again
                return
            try:
                rest = self._tell_all()
            finally:
                self._lease.release()
        except IndexUnusableError as error:
            self._trouble_is(str(error))
        except NotTakenError as error:
            self._trouble_is(f"ALERT_URL ({self._address.shown}) took no alarm: {error}.")
        else:
            if self._trouble:
                _log.info("ALERT_URL (%s) takes alarms again.", self._address.shown)
            self._trouble = ""
            if rest:
                self._next = 0.0

    def _tell_all(self) -> bool:
        """Tell what there is in its order, and note it; whether there is more."""
        with self._index.reading() as connection:
            waiting = undelivered(connection, datetime.now(UTC) - NEWS)
        for alarm in waiting[:AT_ONCE]:
            if alarm.notified_at is None:
                self._say(alarm, over=False)
            if alarm.ended_at is not None and alarm.resolved_notified_at is None:
                self._say(alarm, over=True)
        return len(waiting) > AT_ONCE

    def _say(self, alarm: Alarm, *, over: bool) -> None:
        self._lease.renew()
        post(self._address, message_of(alarm, self._index.url, over=over), self._patience)
        with self._index.writing() as connection:
            mark_delivered(connection, alarm, datetime.now(UTC), over=over)

    def _trouble_is(self, sentence: str) -> None:
        if sentence != self._trouble:
            _log.error("%s It is tried again every %s seconds.", sentence, int(self._again))
        self._trouble = sentence
        self._next = monotonic() + self._again


def message_of(alarm: Alarm, index: str, *, over: bool) -> dict[str, str | None]:
    """An alarm as it is told: when it began as if it were open still, and when it is over."""
    return {
        "kind": alarm.kind.value,
        "subject": alarm.subject,
        "sentence": alarm.sentence,
        "began_at": alarm.began_at.astimezone(KST).isoformat(timespec="seconds"),
        "ended_at": alarm.ended_at.astimezone(KST).isoformat(timespec="seconds")
        if over and alarm.ended_at
        else None,
        "host": socket.gethostname(),
        "index": as_text(index),
    }


def _cut(connection: http.client.HTTPConnection, cut: threading.Event) -> None:
    """End an exchange that keeps sending a little."""
    cut.set()
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has just ended by itself


def _plain(error: OSError | http.client.HTTPException) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"no HTTP answer ({type(error).__name__})"
