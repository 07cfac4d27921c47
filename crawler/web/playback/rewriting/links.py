"""The addresses that a captured page names, as addresses of playback, or as nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from archive.captures.address_forms import forms
from archive.warc.record_writer import WarcError, safe_url
from crawler.web.playback.address import LONGEST, stamped_path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: Most addresses of one page that are looked for; a page of news has some hundred.
MOST_WANTED = 4_000
#: What browsers take out of an address wherever it stands, and at its ends.
_TAKEN_OUT = re.compile(r"[\t\n\r]")
_ENDS = "".join(map(chr, range(0x21)))
_DATA = re.compile(
    r"data:(?:image/(?:png|jpeg|gif|webp|avif|bmp|x-icon)|(?:application/)?(?:x-)?font[/-][a-z0-9-]+)"
    r"(?:;[a-z0-9=_-]+)*,",
    re.I,
)


class Links:
    """The links of one page: ``base`` is what its addresses refer to, ``stamp`` its time.

    Only what is in the archive is linked as a picture or style sheet. What that is, is asked once:
    the page is read first with no ``known`` forms, when every address asked for is `wanted`.
    """

    def __init__(self, base: str, stamp: str, known: Collection[str] | None = None) -> None:
        self.base = base
        self.wanted: set[str] = set()
        self._page, self._stamp, self._known = base, stamp, known

    def rebase(self, reference: str) -> None:
        """Take the address of a ``<base>``."""
        self.base = self.absolute(reference) or self.base

    def absolute(self, reference: str) -> str:
        """Return the web address that a reference stands for, without fragment; ``""`` if none."""
        reference = _TAKEN_OUT.sub("", reference.strip(_ENDS))
        if not reference or len(reference) > LONGEST:
            return ""
        try:
            url = safe_url(urljoin(self.base, reference.replace("\\", "/")).partition("#")[0])
        except (WarcError, ValueError):
            return ""
        return url if url.lower().startswith(("http://", "https://")) else ""

    def page(self, reference: str) -> str:
        """Return the address of a linked page in playback, archived or not; ``""`` if it is none.

        A place within the page itself stays one.
        """
        reference = reference.strip(_ENDS)
        if reference.startswith("#"):
            return reference
        url = self.absolute(reference)
        return stamped_path(self._stamp, url) if url else ""

    def archived_page(self, reference: str) -> str:
        """Return the address of a page in playback if it is archived, else ``""``."""
        return self._archived(reference, "")

    def picture(self, reference: str) -> str:
        """Return the address of a picture or font of the archive, ``""`` if it has none.

        One that the page itself holds stays.
        """
        reference = reference.strip(_ENDS)
        return reference if _DATA.match(reference) else self._archived(reference, "im_")

    def sheet(self, reference: str) -> str:
        """Return the address of a style sheet of the archive, ``""`` if it has none."""
        return self._archived(reference, "cs_")

    def _archived(self, reference: str, modifier: str) -> str:
        url = self.absolute(reference)
        if not url:
            return ""
        if self._known is None:
            if len(self.wanted) < MOST_WANTED:
                self.wanted.add(url)
            return ""
        return stamped_path(self._stamp, url, modifier) if url in self._known else ""


def archived_among(
    urls: Collection[str], served: Callable[[Collection[str]], Collection[str]]
) -> set[str]:
    """Return those of the addresses of which the archive has a capture in any form."""
    written = {url: forms(url) for url in urls}
    found = set(served([form for each in written.values() for form in each]))
    return {url for url, each in written.items() if not found.isdisjoint(each)}
