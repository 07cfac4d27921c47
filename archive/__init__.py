"""What is kept: exchanges in WARC segments, articles and their history in the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archive.reading.archive import Archive

__all__ = ["open_archive"]


def open_archive(archive_url: str = "", index_url: str = "") -> Archive:
    """Open an archive to read it, as `sacho` would find it.

    ``archive_url`` is the folder of the WARC files or ``s3://BUCKET/PREFIX``, ``index_url`` the
    address of the index, such as ``sqlite:////srv/sacho/index.sqlite3``. Without them the
    environment says where they are (``ARCHIVE_URL``, ``INDEX_URL``), else they are in the data
    folder (``SACHO_HOME``, ``var`` in a checkout, or the user's).

    :raises IndexUnusableError: there is no index, or it can't be used; the message says what to do.
    :raises SegmentError: the address of the archive names neither.
    """
    # Imported here: the command line imports this module at every start.
    import os

    from archive.model.data_folder import default_archive_url, default_index_url
    from archive.reading.archive import Archive

    return Archive(
        archive_url or os.environ.get("ARCHIVE_URL") or default_archive_url(),
        index_url or os.environ.get("INDEX_URL") or default_index_url(),
    )
