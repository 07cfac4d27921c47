"""Where Sacho keeps its data (archive, index, logs, jobs.toml) unless a setting says otherwise."""

from __future__ import annotations

import os
import sys
from configparser import ConfigParser, Error
from pathlib import Path

from platformdirs import user_data_path

#: The environment variable that names the data folder.
VARIABLE = "SACHO_HOME"


def data_folder() -> Path:
    """Return the folder of the archive, the index and the logs, as an absolute path.

    It is ``SACHO_HOME``; else ``var`` in a checkout; else the platform's folder for a user's data
    (``~/.local/share/sacho`` on Linux). It is not created here.
    """
    home = _home()
    if home is not None:
        return home
    project = checkout()
    if project is not None:
        return project / "var"
    return user_data_path("sacho", appauthor=False)


def default_archive_url() -> str:
    """Return the ARCHIVE_URL of who names none: a folder in the data folder."""
    return str(data_folder() / "archive")


def default_index_url() -> str:
    """Return the INDEX_URL of who names none: a file in the data folder."""
    return index_url(data_folder() / "index.sqlite3")


def default_spool() -> Path:
    """Return the folder of the segments that are written for archives in S3."""
    return data_folder() / "spool"


def jobs_file() -> Path:
    """Return the path of jobs.toml: in the data folder, in a checkout at its top."""
    project = checkout()
    if _home() is None and project is not None:
        return project / "jobs.toml"
    return data_folder() / "jobs.toml"


def default_player() -> Path:
    """Return the folder that ReplayWeb.page's npm package is unpacked into.

    It is in the environment of a checkout; else, or if it is not there, in the one that this runs
    in.
    """
    project = checkout()
    environments = [Path(sys.prefix)] if project is None else [project / ".venv", Path(sys.prefix)]
    folders = [environment / "share" / "replaywebpage" for environment in environments]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def checkout() -> Path | None:
    """Return the checkout of Sacho that is in use, if any.

    It is the one that the current folder is in, else the one that this code is run from (as after
    ``pip install -e``).
    """
    own = Path(__file__).resolve().parents[2]
    try:
        here = Path.cwd()
    except OSError:  # it was deleted
        return own if _is_checkout(own) else None
    return next((folder for folder in (here, *here.parents, own) if _is_checkout(folder)), None)


def index_url(path: Path) -> str:
    """Return the address of the SQLite database at a path, for INDEX_URL."""
    # In an address a question mark begins a query and a percent sign an escape.
    return f"sqlite:///{path}".replace("%", "%25").replace("?", "%3F")


def _home() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named).absolute() if named else None


def _is_checkout(folder: Path) -> bool:
    """Whether a folder holds Sacho's scrapy.cfg and source, and not another Scrapy project's."""
    config = ConfigParser(interpolation=None)
    try:
        config.read(folder / "scrapy.cfg", encoding="utf-8")
    except (Error, OSError, UnicodeDecodeError):
        return False
    named = config.get("settings", "default", fallback="")
    return named == "crawler.settings" and (folder / "crawler" / "outlets").is_dir()
