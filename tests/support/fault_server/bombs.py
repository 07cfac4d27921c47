"""Bodies that unpack to far more than they weigh."""

from __future__ import annotations

import functools
import zlib
from typing import TYPE_CHECKING

import brotli
from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CODINGS = ("gzip", "deflate", "br", "zstd")
_WBITS = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


@functools.lru_cache(maxsize=6)
def bomb(megabytes: int, *codings: str) -> bytes:
    """Return a page of so many megabytes, packed in one coding after the other."""
    data = _packed(_page(megabytes), codings[0])
    for coding in codings[1:]:
        data = _packed([data], coding)
    return data


def _page(megabytes: int) -> Iterator[bytes]:
    yield b"<html><body><p>"
    for _ in range(megabytes):
        yield b" " * 2**20
    yield "폭탄</p></body></html>".encode()


def _packed(parts: Iterable[bytes], coding: str) -> bytes:
    if coding == "br":
        brotli_packer = brotli.Compressor(quality=5)
        packed = [brotli_packer.process(part) for part in parts]
        return b"".join([*packed, brotli_packer.finish()])
    packer = (
        zstd.ZstdCompressor()
        if coding == "zstd"
        else zlib.compressobj(9, zlib.DEFLATED, _WBITS[coding])
    )
    return b"".join([*map(packer.compress, parts), packer.flush()])
