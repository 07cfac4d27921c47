"""Write the expected articles: ``python -m tests.regold``. Read what it changed as a person before committing it.

The reading of each seed goes into NAME.json beside it, under ``article``; whatever else stands
there stays. `sacho outlet check NAME --accept` does the same for one outlet.
"""

from __future__ import annotations

from crawler.authoring.goldens import write_golden
from tests.support.documents import fixtures, name_of, read_fixture


def main() -> None:
    """Write all of them, and name those that changed."""
    seeds = fixtures()
    changed = []
    for path in seeds:
        page = read_fixture(path)
        if page.article is None:
            raise SystemExit(
                f"{name_of(path)}: no article was read ({page.verdict}); a golden is of an article"
            )
        if write_golden(path, page.article):
            changed.append(name_of(path))
    print("\n".join([*changed, f"{len(seeds)} seeds, {len(changed)} goldens changed"]))


if __name__ == "__main__":
    main()
