"""The exporter of Scrapy's CSV feeds, whose cells are those of ``sacho export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.exporters import CsvItemExporter

from archive.export.article_files import csv_cell
from pipelines.item import item_fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import BytesIO


class ArticleCsvExporter(CsvItemExporter):
    """Writes articles as a table: lists as JSON, and no cell that is a formula to a spreadsheet.

    Scrapy's own writes Python's text for a list of objects, a header into the middle of a file that
    is appended to, and none where there is no article.
    """

    def __init__(self, file: BytesIO, include_headers_line: bool = True, **how: Any) -> None:
        super().__init__(file, include_headers_line and _is_at_begin(file), **how)

    def finish_exporting(self) -> None:
        """Write the header if there was no article."""
        if self._headers_not_written:
            self._write_headers_and_set_fields_to_export(dict.fromkeys(item_fields()))
        super().finish_exporting()

    def serialize_field(
        self,
        field: Mapping[str, Any] | Any,  # noqa: ARG002  (Scrapy's)
        name: str,  # noqa: ARG002  (Scrapy's)
        value: Any,
    ) -> str:
        """Return the cell of a value."""
        return csv_cell(value)


def _is_at_begin(file: BytesIO) -> bool:
    """Return whether nothing is in a file; a pipe does not know its place and is at the begin."""
    try:
        return file.tell() == 0
    except OSError:
        return True
