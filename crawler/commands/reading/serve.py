"""``scrapy serve``: the reading room, in which people search and read the archive in a browser."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archive.model.data_folder import default_player
from archive.model.program import PROGRAM
from crawler.cli.base import Verb, usage_error
from crawler.model.text import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.jobs.job import Job
    from crawler.web.security import Access

_HOST, _PORT, _LAST_PORT = "127.0.0.1", 8000, 65535
_MOST_SEARCHES = 1_000_000


class Command(Verb):
    """Serve the reading room. Reads INDEX_URL, ARCHIVE_URL, JOBS_FILE and READER_TOKEN."""

    said_if_stopped = "Stopped."

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Show the archive in a browser, until Ctrl-C: search, articles with their history, "
            "outlets and runs; each page also as JSON. Nothing is written. At another address than "
            "this machine's own it asks for READER_TOKEN, or for a user whom a proxy names. "
            f"Example: {PROGRAM} serve --port 8080"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of the server, and of who may read."""
        super().add_options(parser)
        parser.add_argument(
            "--host",
            default=_HOST,
            metavar="NAME",
            help=f"the name or address to listen at (default: {_HOST}, this machine only)",
        )
        parser.add_argument(
            "--port",
            type=_port_option,
            default=_PORT,
            metavar="N",
            help=f"the port of the reading room (default: {_PORT}; 0: any free one)",
        )
        parser.add_argument(
            "--playback-port",
            type=_port_option,
            metavar="N",
            help="the port of playback, on which captures are shown as they were served: an origin "
            "of its own (default: the next after the reading room's)",
        )
        parser.add_argument(
            "--room-url",
            type=_origin_option,
            metavar="URL",
            help="how browsers reach the reading room, where a proxy stands before it",
        )
        parser.add_argument(
            "--playback-url",
            type=_origin_option,
            metavar="URL",
            help="how browsers reach playback, where a proxy stands before it; another origin than "
            "the reading room's",
        )
        parser.add_argument(
            "--player",
            type=Path,
            metavar="FOLDER",
            help="the folder of ReplayWeb.page's npm package; without it, where python3 run.py "
            "player puts it",
        )
        parser.add_argument(
            "--token",
            default="",
            metavar="TEXT",
            help="what a reader must give as password or bearer token; from the environment as "
            "READER_TOKEN it is seen by nobody who lists processes",
        )
        parser.add_argument(
            "--user-header",
            default="",
            metavar="NAME",
            help="the header in which a proxy names the user, who then needs no token",
        )
        parser.add_argument(
            "--proxy",
            action="append",
            default=[],
            metavar="ADDRESS",
            help="an address from which that header and X-Forwarded-For are believed",
        )
        parser.add_argument(
            "--allow-host",
            action="append",
            default=[],
            metavar="NAME",
            help="a name by which browsers reach it, besides the one it listens at",
        )
        parser.add_argument(
            "--searches",
            type=_rate_option,
            metavar="N",
            help="how many searches a reader may make a second (default: 5; 0: any number)",
        )
        parser.add_argument(
            "--log-queries",
            action="store_true",
            help="log what readers search for, too; else only which pages they open",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Serve until a signal; return 1 if the address cannot be listened at."""
        if args:
            raise usage_error("serve takes no arguments")
        # Imported here: each verb's module is imported for the list of verbs.
        from crawler.web.app import SEARCHES, reading_room
        from crawler.web.playback.app import playback_app
        from crawler.web.playback.site import PlaybackSite
        from crawler.web.room import Room
        from crawler.web.security import is_loopback
        from crawler.web.server import ListenError, address_of, listen, serve

        host, token = as_text(opts.host), opts.token or self.text_setting("READER_TOKEN")
        is_own = is_loopback(host)
        _check_access(host, token, opts, is_own=is_own)
        logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
        logging.getLogger("crawler.web").setLevel(logging.INFO)
        # No connection is kept: one that idles would keep a reindex from replacing the file.
        with self.open_index(brief=True) as index:
            try:
                listener = listen(host, opts.port)
                beside = listen(host, _playback_port(opts)) if _has_playback(host, opts) else None
            except ListenError as error:
                self._fail(str(error))
                return 1
            room_url = opts.room_url or address_of(listener, host)
            playback_url = opts.playback_url or (address_of(beside, host) if beside else "")
            if room_url == playback_url:
                raise usage_error("the reading room and playback need addresses of their own")
            archive = self.archive_store()
            player = opts.player or default_player()
            room = Room(
                index=index,
                archive=archive,
                jobs=self._jobs,
                playback=playback_url,
                player=player,
            )
            searches = SEARCHES if opts.searches is None else opts.searches
            access = _access(host, token, opts, is_own=is_own)
            log_queries = opts.log_queries
            apps = [(reading_room(room, access, searches, log_queries=log_queries), listener)]
            if beside is not None:
                site = PlaybackSite(index, archive, playback_url, room_url, player)
                apps.append((playback_app(site, access, log_queries=log_queries), beside))
            serve(apps, lambda: _say(room_url, playback_url), opts.proxy)
        return 0

    def _jobs(self) -> tuple[Sequence[Job], Sequence[str]]:
        """Return the jobs, and what is invalid in their file; neither if there is no file."""
        from crawler.jobs.config import known_jobs

        return known_jobs(Path(self.text_setting("JOBS_FILE")))


def _say(room_url: str, playback_url: str) -> None:
    print(f"The reading room is at {room_url}/ (Ctrl-C ends it)")
    if playback_url:
        print(f"Captures are shown at {playback_url}/", flush=True)
    else:
        sentence = "Captures are not shown: --playback-url URL says how browsers reach them."
        print(sentence, flush=True)


def _has_playback(host: str, opts: argparse.Namespace) -> bool:
    """Whether it is known how browsers reach playback: at all addresses there is no one name."""
    return bool(opts.playback_url) or host not in ("0.0.0.0", "::", "")  # noqa: S104  (compared)


def _playback_port(opts: argparse.Namespace) -> int:
    """Return the port of playback: the next one, or as the reading room's any free one."""
    if opts.playback_port is not None:
        return int(opts.playback_port)
    return opts.port + 1 if 0 < opts.port < _LAST_PORT else 0


def _check_access(host: str, token: str, opts: argparse.Namespace, *, is_own: bool) -> None:
    """Refuse to be read by everybody from elsewhere.

    :raises UsageError: nothing says who may read, or whom to believe.
    """
    if opts.user_header and not opts.proxy:
        raise usage_error("--user-header needs --proxy ADDRESS: only a proxy's header is believed")
    if not is_own and not token and not opts.user_header:
        raise usage_error(
            f"--host {host} lets other machines read: set READER_TOKEN (or --token), or name the "
            "proxy that knows the users (--user-header NAME --proxy ADDRESS)"
        )
    if token and not token.isascii():
        raise usage_error("the token may have letters, digits and signs of ASCII only")


def _access(host: str, token: str, opts: argparse.Namespace, *, is_own: bool) -> Access:
    from crawler.web.security import Access

    # Where no token is asked for, another site's page must not reach it by a name of its own.
    own = {"127.0.0.1", "localhost", "[::1]", host.lower()} if is_own else set()
    named = {as_text(name).lower() for name in opts.allow_host}
    named |= {urlsplit(url).hostname or "" for url in (opts.room_url, opts.playback_url) if url}
    return Access(
        token=token,
        user_header=opts.user_header,
        proxies=frozenset(opts.proxy),
        hosts=frozenset(own | named if is_own or named else ()),
    )


def _port_option(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: write a number up to 65535")
    return int(text)


def _origin_option(text: str) -> str:
    parts = urlsplit(text.removesuffix("/"))
    is_origin = parts.scheme in ("http", "https") and not (parts.path or parts.query)
    if not is_origin or not parts.hostname or "@" in parts.netloc or not text.isascii():
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as https://name:8001")
    return f"{parts.scheme}://{parts.netloc}"


def _rate_option(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < _MOST_SEARCHES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of searches a second")
    return rate
