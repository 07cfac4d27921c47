"""Take the pictures of the reading room in docs/images: ``python -m docs.screenshots``.

They show made-up articles of ours, in Chromium; they are made small, of 64 colours. Look at each
before it is committed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from docs.notebooks.week import write_week

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

HERE = Path(__file__).resolve().parent
ROOT, IMAGES = HERE.parent, HERE / "images"
_COLOURS = 64


@dataclass(frozen=True, slots=True)
class Picture:
    """A page to take a picture of: its address, the size of the window, and how it looks."""

    name: str
    path: str
    width: int = 1100
    height: int = 760
    scheme: str = "light"
    opens_capture: bool = False


PICTURES = (
    Picture("start", "/"),
    Picture("search", "/search?q=%EB%B3%84%EB%B9%9B+OR+%ED%91%B8%ED%8B%B4"),
    Picture("history", "/articles/etoday/9000000201/history?from=1&to=2", height=900),
    Picture("phone", "/articles/etoday/9000000201", 390, 760, "dark"),
    Picture("playback", "/articles/etoday/9000000201", opens_capture=True),
)


def main() -> int:
    """Take all pictures, and print the size of each."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(Path(folder)) as address,
        sync_playwright() as started,
    ):
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for picture in PICTURES:
            _take(browser, address, picture)
        browser.close()
    return 0


def _take(browser: Browser, address: str, picture: Picture) -> None:
    size = {"width": picture.width, "height": picture.height}
    how = {"viewport": size, "locale": "ko-KR", "color_scheme": picture.scheme}
    page = browser.new_page(**how)  # type: ignore[arg-type]  # the names are of playwright's own
    page.goto(address + picture.path)
    if picture.opens_capture:
        _open_capture(page)
    taken = Image.open(BytesIO(page.screenshot())).convert("RGB")
    path = IMAGES / f"{picture.name}.png"
    taken.quantize(_COLOURS).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB")
    page.close()


def _open_capture(page: Page) -> None:
    page.get_by_role("link", name="당시 화면 보기").click()
    page.wait_for_load_state("networkidle")


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Yield the address of a reading room over the made-up week and the seeds."""
    environment = {**os.environ, "SACHO_HOME": str(folder / "home")}
    saved = folder / "week"
    saved.mkdir()
    write_week(saved)
    seeds = [ROOT / "seeds" / name for name in ("etoday", "newspim")]
    command = [sys.executable, "-m", "crawler"]
    subprocess.run(  # noqa: S603  (our own verb)
        [*command, "replay", saved, *seeds], cwd=ROOT, env=environment, check=False
    )
    options = ["serve", "--port", "0"]
    with subprocess.Popen(  # noqa: S603  (as above)
        [*command, *options], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"(http://\S+)/", process.stdout.readline())
            assert found is not None
            yield found[1]
        finally:
            process.terminate()


if __name__ == "__main__":
    raise SystemExit(main())
