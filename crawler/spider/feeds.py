"""The exporter of Scrapy's CSV feeds, whose cells are those of ``sacho export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy.exporters import CsvItemExporter

from archive.export.articles import csv_cell

if TYPE_CHECKING:
    from collections.abc import Mapping


class ArticleCsvExporter(CsvItemExporter):
    """Writes articles as a table: lists as JSON, and no cell that is a formula to a spreadsheet.

    Scrapy's own writes Python's text for a list of objects.
    """

    def serialize_field(
        self,
        field: Mapping[str, Any] | Any,  # noqa: ARG002  (Scrapy's)
        name: str,  # noqa: ARG002  (Scrapy's)
        value: Any,
    ) -> str:
        """Return the cell of a value."""
        return csv_cell(value)
