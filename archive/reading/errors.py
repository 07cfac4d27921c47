"""What reading an archive raises besides the errors of its index, its segments and queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archive.articles.blocklist import Removal


class ArchiveClosedError(Exception):
    """The archive is used after it was closed."""

    def __init__(self) -> None:
        super().__init__("this archive is closed; open it again with open_archive()")


class UnknownOutletError(LookupError):
    """The archive holds nothing of an outlet of that name, and no crawl of it is recorded."""


class ArticleNotFoundError(LookupError):
    """The index has no such article, or not that revision of it."""


class ArticleRemovedError(ArticleNotFoundError):
    """The article was removed on request; ``removal`` says when and why."""

    def __init__(self, sentence: str, removal: Removal) -> None:
        super().__init__(sentence)
        self.removal = removal
