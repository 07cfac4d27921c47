"""Read documents in every writing under every label: as written, refused, counted, or wrong (F15).

    python -m bench.encodings [--silent]

Pages of both outlets, list pages, feeds, sitemaps and robots.txt, in the encodings that can write
Hangul and in those of Chinese and Japanese, with and without byte order marks; labelled in the
header, in the document, in both with a contradiction, or not at all; pages also with a byte too
many or too few within a letter. A row for each kind and writing: ``exact`` read as it was written,
``refused`` without an article or with a fault, ``counted`` with damage on record, ``slipped`` within
one word after a lost byte, ``silent`` wrong without a sign. Exit status 1 if anything is silent.
"""

from __future__ import annotations

import argparse
from collections import Counter
from time import process_time

from tests.support.sites.encodings import ENDINGS, cases, run_case


def main() -> int:
    """Print a row for each kind of document and writing; return 1 if wrong text was accepted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--silent", action="store_true", help="print each case that is silent")
    options = parser.parse_args()
    counts: Counter[tuple[str, str, str]] = Counter()
    wrong: list[str] = []
    longest = 0.0
    for case in cases():
        began = process_time()
        result = run_case(case)
        longest = max(longest, process_time() - began)
        counts[case.kind, f"{case.writing} {case.damage}".strip(), result.ending] += 1
        if result.ending == "silent":
            wrong.append(f"{case}: {result.detail}")
    print(f"{'document':9} {'written in':18}", *(f"{ending:>8}" for ending in ENDINGS))
    for kind, writing in dict.fromkeys((kind, writing) for kind, writing, _ in counts):
        figures = (f"{counts[kind, writing, ending]:8}" for ending in ENDINGS)
        print(f"{kind:9} {writing:18}", *figures)
    total = Counter(dict.fromkeys(ENDINGS, 0))
    for (_, _, ending), count in counts.items():
        total[ending] += count
    sums = ", ".join(f"{ending} {total[ending]}" for ending in ENDINGS)
    print(f"{total.total()} cases: {sums}; longest {longest:.2f} CPU s")
    if options.silent:
        print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
