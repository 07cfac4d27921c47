"""jobs.toml: what it says, and everything that is wrong with it at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crawler.jobs.config import JobsFileError, parse_jobs, read_jobs
from crawler.jobs.job import Job
from crawler.outlets import outlet_named
from tests.support.documents import KNOWN
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """\
[[job]]
name = "Etoday.2"
outlet = "etoday"
every = "10m"
arguments = { limit = 5, since = "2026-11-01" }
settings = { DOWNLOAD_DELAY = 2.5, ARCHIVE_IMAGES = true }
time_limit = "1h30m"
retries = 0
backoff = "90s"
alert = false

[[job]]
outlet = "newspim"

[[job]]
name = "verify"
command = "verify --sample '2%' --skip-reading"
cron = "30 3 * * *"
"""


def test_a_job_of_a_site_without_an_outlet() -> None:
    (job,) = parse_jobs('[[job]]\nsite = "https://www.example.org/feed"\nevery = "6h"\n')
    assert (job.name, job.outlet) == ("site-example.org", "site:example.org")
    assert (job.verb, job.words) == ("crawl", ("--site", "https://www.example.org/feed"))


def test_two_jobs_of_a_site_need_names() -> None:
    lines = '[[job]]\nsite = "https://www.example.org/a"\n'
    with pytest.raises(JobsFileError, match=r"there is a job 'site-example\.org' already"):
        parse_jobs(lines + lines)


def test_a_site_of_an_outlet_is_no_site() -> None:
    with pytest.raises(JobsFileError, match="crawl etoday"):
        parse_jobs('[[job]]\nsite = "https://www.etoday.co.kr/news"\n')


@pytest.mark.parametrize(
    ("settings", "given", "has_pictures"),
    [("", False, False), ("", True, True), ("0", True, False), ("1", False, True)],
)
def test_hosts_of_pictures_count_where_they_are_archived(
    settings: str, given: bool, has_pictures: bool
) -> None:
    stated = f'settings = {{ ARCHIVE_IMAGES = "{settings}" }}\n' if settings else ""
    (job,) = parse_jobs(f'[[job]]\noutlet = "etoday"\n{stated}', pictures=given)
    assert ("img.etoday.co.kr" in job.hosts) is has_pictures


def test_what_a_file_says() -> None:
    first, second, third = parse_jobs(WHOLE)
    assert first == Job(
        name="Etoday.2",
        verb="crawl",
        words=("etoday", "-a", "limit=5", "-a", "since=2026-11-01"),
        schedule=first.schedule,
        outlet="etoday",
        hosts=outlet_named("etoday").hosts_asked(pictures=True),
        settings=(("DOWNLOAD_DELAY", "2.5"), ("ARCHIVE_IMAGES", "1")),
        time_limit=timedelta(minutes=90),
        retries=0,
        backoff=timedelta(seconds=90),
        alert=False,
    )
    assert first.schedule.text == "every 10m"
    assert (second.name, second.words, second.schedule.text) == (
        "newspim",
        ("newspim",),
        "cron 22 * * * *",
    )
    assert second.schedule.text == f"cron {outlet_named('newspim').cron}"
    assert (third.verb, third.words, third.outlet) == (
        "verify",
        ("--sample", "2%", "--skip-reading"),
        "",
    )


def test_the_example_is_right() -> None:
    jobs = read_jobs(ROOT / "jobs.example.toml")
    assert [job.name for job in jobs] == ["etoday", "newspim", "newspim-again", "recover", "verify"]


WRONG = """\
colour = "red"
[[job]]
name = "a"
outlet = "etodya"
every = "1h"
cron = "1 * * * *"
retires = 3

[[job]]
outlet = "newspim"
name = "b"
cron = "61 * * * *"
time_limit = "-5m"
retries = -1
alert = "yes"

[[job]]
outlet = "newspim"
name = "B"
[job.arguments]
limit = 0

[[job]]
command = "verify --smaple 2%"
every = 5

[[job]]
name = "no time"
command = "remove etoday/1"

[[job]]
name = "neither"
every = "1h"

[[job]]
name = "crawl"
command = "crawl etoday"
arguments = { limit = 1 }
every = "30s"
"""


def test_all_mistakes_at_once_with_their_lines() -> None:
    with pytest.raises(JobsFileError) as caught:
        parse_jobs(WRONG, "jobs.toml")
    assert caught.value.sentences == [
        "jobs.toml, line 1: there is no 'colour' here: only [[job]] tables.",
        f"jobs.toml, line 4: outlet: no outlet 'etodya' (did you mean etoday?); known: {KNOWN}.",
        "jobs.toml, line 6: cron: a job has either every or cron.",
        "jobs.toml, line 7: retires: there is no 'retires'; a job has name, outlet, site, command, every, "
        "cron, arguments, settings, time_limit, retries, backoff, alert.",
        "jobs.toml, line 12: cron: '61 * * * *' is not a valid cron line (Error validating "
        "expression '61': the last value (61) is higher than the maximum value (59)).",
        "jobs.toml, line 13: time_limit: '-5m' is not a length of time; write 90s, 45m, "
        "1h30m or 2d.",
        "jobs.toml, line 14: retries: -1 must be a number from 0 to 20.",
        "jobs.toml, line 15: alert: 'yes' must be true or false.",
        "jobs.toml, line 19: name: there is a job 'B' already, in line 11.",
        "jobs.toml, line 20: arguments: -a limit=0: give a number of at least 1.",
        "jobs.toml, line 23: a job without an outlet needs a name.",
        "jobs.toml, line 24: command: verify has no option --smaple.",
        "jobs.toml, line 25: every: 5 must be a string; write it in quotes.",
        'jobs.toml, line 27: say when: every = "1h", or cron = "7 * * * *" (Asia/Seoul).',
        "jobs.toml, line 28: name: 'no time' is not a valid name: letters a to z, digits, . _ "
        "and -, at most 64, a letter or digit first.",
        "jobs.toml, line 29: command: 'remove' is not a command for a job; those are backup, "
        "export, recover, reindex, replay, verify, and outlet = for a crawl.",
        "jobs.toml, line 31: a job has either an outlet, a site or a command.",
        'jobs.toml, line 37: command: write outlet = "NAME" for a crawl, and its '
        "arguments = { limit = 100 }.",
        "jobs.toml, line 38: arguments: arguments are an outlet's; write a command's into "
        "the command.",
        "jobs.toml, line 39: every: an interval is between a minute and a year.",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "jobs.toml: it names no job; jobs.example.toml shows how."),
        ("[job]\noutlet = 'etoday'\n", "jobs.toml: each job begins with a line [[job]]."),
        (
            "[[job]]\nretries = " + "1" * 5000,
            "jobs.toml: not valid TOML: Exceeds the limit (4300 digits)",
        ),
        ("job = 5\n", "jobs.toml: each job begins with a line [[job]]."),
        (
            "[[job]]\noutlet = \n",
            "jobs.toml: not valid TOML: Invalid value (at line 2, column 10).",
        ),
        (
            "[[job]]\noutlet = 'etoday'\noutlet = 'x'\n",
            "not valid TOML: Cannot overwrite a value (at line 3, ",
        ),
        (
            "[[job]]\noutlet = 'etoday'\nsettings = ['x']\n",
            "line 3: settings: ['x'] must be a table",
        ),
        (
            "[[job]]\noutlet = 'etoday'\nsettings = { A = [1] }\n",
            "line 3: settings: A = [1]: only single values.",
        ),
        (
            "[[job]]\nname = 'v'\nevery='1h'\ncommand = \"verify 'a\"\n",
            "line 4: command: No closing quotation.",
        ),
        (
            "[[job]]\nname = 'v'\nevery='1h'\ncommand = 'verify'\n"
            'settings = { A = "a\\u0000" }\n',
            "line 5: settings: 'a\\x00': no",
        ),
        (
            "[[job]]\nname = 'v'\nevery='1h'\ncommand = \"verify \\u0000\"\n",
            "line 4: command: 'verify \\x00': no command",
        ),
        (
            "[[job]]\noutlet = 'etoday'\nbackoff = '367d'\n",
            "line 3: backoff: '367d' is longer than a year.",
        ),
        (
            "[[job]]\noutlet = 'etoday'\ntime_limit = '999999999d999999999d'\n",
            "999999999d' is longer than a year.",
        ),
        (
            "[[job]]\nname = 'v'\nevery='1h'\ncommand = ''\n",
            "line 4: command: '' is not a command for a job",
        ),
        (
            "[[job]]\nname = 'v'\nevery='1h'\ncommand = 'verify --help'\n",
            "it would only print and exit with 0",
        ),
        (
            "[[job]]\nname = 'v'\nevery='1h'\ncommand = 'verify --seed x'\n",
            "argument --seed: invalid int value: 'x'",
        ),
        (
            "[[job]]\noutlet = 'etoday'\narguments = { url = 'https://a.kr/' }\n",
            "is not the address of an article",
        ),
    ],
)
def test_one_mistake(text: str, sentence: str) -> None:
    with pytest.raises(JobsFileError) as caught:
        parse_jobs(text)
    assert len(caught.value.sentences) == 1
    assert sentence in caught.value.sentences[0]


def test_a_file_may_begin_with_an_editors_mark(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_text(WHOLE, "utf-8-sig")
    assert [job.name for job in read_jobs(path)] == ["Etoday.2", "newspim", "verify"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# \xb0\xa1\n")
    for path, result in (
        (tmp_path / "none.toml", "does not exist: copy jobs.example.toml"),
        (tmp_path, "can't be read (Is a directory)"),
        (latin, "not UTF-8 text (byte 2)"),
    ):
        with pytest.raises(JobsFileError) as caught:
            read_jobs(path)
        assert result in str(caught.value)
