"""The HTML parser where there is no memory for a tree."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.processes.cli import ROOT

_LIMITED = """
import resource
from datetime import UTC, datetime
from crawler.discovery.list_pages import read_list_page
from archive.model.exchange import Exchange
from crawler.extraction.recognise import outlet_for
from crawler.model.channels import ListPage

now = datetime(2026, 11, 30, tzinfo=UTC)
form = ListPage(url="https://www.example.kr/list", link="a")
html = "<p><a href=/1>x</a></p>" * 80_000
page = Exchange(url="urn:x", captured_at=now, body=html.encode())
status = open("/proc/self/status").read().split("VmSize:")[1]
limit = int(status.split()[0]) * 1024 + 8_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    {read}
except MemoryError:
    print("no memory")
"""


@pytest.mark.parametrize(
    "read",
    ["outlet_for(page)", 'read_list_page(html.encode(), "text/html", form.url, form, now)'],
    ids=["page", "list page"],
)
def test_a_tree_that_does_not_fit_into_memory_is_said_to_be_that(read: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED.format(read=read)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "no memory\n", "")
