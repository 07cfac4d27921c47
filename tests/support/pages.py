"""What the tests of replaying give it: own pages under any id, a text, and a page that is no outlet's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.documents import SEEDS

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = sorted(SEEDS.glob("*.txt"))
PAGE = SEEDS / "etoday" / "own-desktop-2020.html"
UNKNOWN_HTML = "<html><head><title>어떤 신문</title></head><body><h1>제목</h1><p>본문이다.</p></body></html>".encode()


def page_of(article_id: str, **facts: str) -> tuple[bytes, bytes]:
    """An own page under another id, and its sidecar."""
    beside = json.loads(PAGE.with_suffix(".json").read_bytes())
    beside = {
        "captured_at": beside["captured_at"],
        "url": f"https://www.etoday.co.kr/news/view/{article_id}",
    } | facts
    text = PAGE.read_text("utf-8").replace("달빛마을도서관 '기록의 날'", f"도서관 {article_id}")
    return text.encode(), json.dumps(beside).encode()


def write_page(folder: Path, article_id: str, **facts: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{article_id}.html"
    data, beside = page_of(article_id, **facts)
    path.write_bytes(data)
    path.with_suffix(".json").write_bytes(beside)
    return path
