"""A job as the message that a scheduler sends to a worker, which needs no jobs file.

What may hold a password does not travel: it would lie in the queue, and in copies of the database.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from crawler.jobs.job import Job
from crawler.jobs.schedule import parse_schedule

#: Settings that may hold a password, by their names; and a user or a password in the address of
#: anything.
_SECRET_NAME = re.compile(
    r"INDEX_URL|ALERT_URL|TOKEN|SECRET|PASS|CREDENTIAL|KEY\b|AUTH|PROXY", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"://[^/\s]*@|(?i:passw\w*\s*=)")


class MessageError(ValueError):
    """A message is no job: another version of this program has sent it."""


def secret_settings(job: Job) -> list[str]:
    """Return the names of the job's settings that do not travel."""
    return [
        name
        for name, value in job.settings
        if _SECRET_NAME.search(name) or _SECRET_VALUE.search(value)
    ]


def message_of(job: Job) -> dict[str, Any]:
    """Return a job as a JSON object, without settings that may hold a password."""
    secret = secret_settings(job)
    return {
        "name": job.name,
        "verb": job.verb,
        "words": list(job.words),
        "schedule": job.schedule.text,
        "outlet": job.outlet,
        "hosts": list(job.hosts),
        "settings": {name: value for name, value in job.settings if name not in secret},
        "time_limit": job.time_limit.total_seconds(),
        "retries": job.retries,
        "backoff": job.backoff.total_seconds(),
        "alert": job.alert,
        "part_of": job.part_of,
    }


def job_of(message: dict[str, Any]) -> Job:
    """Return the job of a message.

    :raises MessageError: it is none that this version knows.
    """
    try:
        return Job(
            name=str(message["name"]),
            verb=str(message["verb"]),
            words=tuple(map(str, message["words"])),
            schedule=parse_schedule(str(message["schedule"])),
            outlet=str(message["outlet"]),
            hosts=tuple(map(str, message["hosts"])),
            settings=tuple((str(name), str(value)) for name, value in message["settings"].items()),
            time_limit=timedelta(seconds=float(message["time_limit"])),
            retries=int(message["retries"]),
            backoff=timedelta(seconds=float(message["backoff"])),
            alert=bool(message["alert"]),
            part_of=str(message["part_of"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        name = message.get("name", "a deferred job")
        raise MessageError(f"{name}: what was deferred can't be read ({error!r})") from error
