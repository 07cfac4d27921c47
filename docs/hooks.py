"""What mkdocs calls while it builds the documentation: the page of the outlets is made then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mkdocs.structure.files import File

from docs.generate import BUILT, known_outlets_page

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page to those that are built."""
    (name,) = BUILT
    files.append(File.generated(config, name, content=known_outlets_page()))
    return files
