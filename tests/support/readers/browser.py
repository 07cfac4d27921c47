"""A headless Chromium, driven by Playwright, on a machine that may be busy."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext

#: Without the network that a desktop's browser wants at every start, and with few processes.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--renderer-process-limit=1",
)
#: Milliseconds for what takes one second on an idle machine; a wait ends as soon as it may.
_PATIENCE = 120_000


def chromium() -> str:
    """Return the path of an installed Chromium, ``""`` without one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Yield a Chromium, for any number of contexts; `playwright.sync_api.expect` waits as they do.

    A click ends when the next page has begun to arrive. What that page shows is therefore asked by
    `expect`, which looks again until it is there: read at once it may be missing, or the last page's.
    """
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=chromium(), args=list(_FLAGS), timeout=_PATIENCE
        )
        yield browser
        browser.close()


@contextmanager
def opened_context(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Yield a context of the browser, made by Playwright's options, and close it."""
    with browser.new_context(**options) as context:
        context.set_default_timeout(_PATIENCE)
        yield context
