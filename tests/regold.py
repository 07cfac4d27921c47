"""Write the expected articles: ``python -m tests.regold``. Read what it changed as a person before committing it.

The reading of each seed goes into NAME.json beside it, under ``article``; whatever else stands
there stays.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.documents import fixtures, golden_of, name_of, read_fixture

if TYPE_CHECKING:
    from pathlib import Path


def sidecar(path: Path) -> dict[str, Any]:
    """What stands beside a seed, ``{}`` if nothing does."""
    beside = path.with_suffix(".json")
    facts: dict[str, Any] = json.loads(beside.read_bytes()) if beside.exists() else {}
    return facts


def written(path: Path) -> bytes:
    """The sidecar's bytes with the article that the seed is read as now."""
    page = read_fixture(path)
    if page.article is None:
        raise SystemExit(
            f"{name_of(path)}: no article was read ({page.verdict}); a golden is of an article"
        )
    return layout(sidecar(path) | {"article": golden_of(page.article)})


def layout(facts: dict[str, Any]) -> bytes:
    """A sidecar's one form: keys sorted, two spaces, Hangul as itself, a line end at the end."""
    return (json.dumps(facts, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def main() -> None:
    """Write all of them, and name those that changed."""
    seeds = fixtures()
    changed = []
    for path in seeds:
        beside, data = path.with_suffix(".json"), written(path)
        if not beside.exists() or beside.read_bytes() != data:
            beside.write_bytes(data)
            changed.append(name_of(path))
    print("\n".join([*changed, f"{len(seeds)} seeds, {len(changed)} goldens changed"]))


if __name__ == "__main__":
    main()
