"""Hold RUM against GIN as the index of full text in PostgreSQL: its size, what writes cost, and hits.

    python -m bench.rum postgresql+psycopg://USER@HOST/DATABASE [--rows 1000] [--rounds 3]

The database holds an index, as `bench.growth --index` makes one, and the extension rum. Two tables
get the full text of it, each with one of the two and with the positions, which are in the order of
publication; then as many rows more as are asked for; then the newest hits are asked for by turns.
Hits are those of the lexemes alone, without the other conditions of a search. Both tables are
deleted at the end. Times are the wall's, as the client sees them.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import perf_counter
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

from archive.index.postgres.search import lexemes_of
from archive.index.search.query import parse_query
from bench.growth.queries import PAGE, QUERIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

#: After every position. RUM's distances are floats, which are exact up to here.
_LAST = 2**53 - 1
#: How many positions are further than the last one: what is written is newer than what is there.
_FURTHER = 10**11


@dataclass(slots=True)
class Kind:
    """A kind of index: how it is made, and how the newest rows are asked for."""

    name: str
    index: str
    order: str
    build: float = 0.0
    megabytes: float = 0.0
    write: float = 0.0
    log: float = 0.0
    seconds: list[float] = field(default_factory=list)

    @property
    def table(self) -> str:
        """The name of its table."""
        return f"bench_{self.name}"


def kinds() -> list[Kind]:
    """Return the two kinds."""
    attached = (
        "(lexemes rum_tsvector_addon_ops, position) WITH (attach = 'position', \"to\" = 'lexemes')"
    )
    return [
        Kind("gin", "gin (lexemes)", "position DESC"),
        Kind("rum", f"rum {attached}", f"position <=| CAST({_LAST} AS bigint)"),
    ]


def fill(connection: Connection, kind: Kind) -> None:
    """Make the table with all rows, and then its index."""
    connection.exec_driver_sql(
        f"CREATE TABLE {kind.table} (position BIGINT PRIMARY KEY, lexemes TSVECTOR NOT NULL)"
    )
    connection.exec_driver_sql(f"INSERT INTO {kind.table} SELECT position, lexemes FROM search")
    began = perf_counter()
    connection.exec_driver_sql(f"CREATE INDEX ix_{kind.table} ON {kind.table} USING {kind.index}")
    kind.build = perf_counter() - began
    size = f"SELECT pg_relation_size('ix_{kind.table}') / 1e6"
    kind.megabytes = float(connection.exec_driver_sql(size).scalar_one())
    connection.exec_driver_sql(f"ANALYZE {kind.table}")


def write(connection: Connection, kind: Kind, rows: int) -> None:
    """Insert so many rows more."""
    connection.exec_driver_sql("CHECKPOINT")
    before = connection.exec_driver_sql("SELECT pg_current_wal_lsn()").scalar_one()
    began = perf_counter()
    connection.execute(
        text(
            f"INSERT INTO {kind.table} SELECT position + {_FURTHER}, lexemes FROM search"
            " ORDER BY position LIMIT :rows"
        ),
        {"rows": rows},
    )
    kind.write = (perf_counter() - began) / rows
    log = text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), :before) / 1e3")
    kind.log = float(connection.execute(log, {"before": before}).scalar_one()) / rows


def ask(connection: Connection, both: Sequence[Kind], rounds: int) -> Iterator[str]:
    """Ask for the newest hits of each query; yield those at which the two differ."""
    for _ in range(rounds):
        for asked in QUERIES:
            wanted = lexemes_of(parse_query(asked))
            hits = []
            for kind in both:
                statement = text(
                    f"SELECT position FROM {kind.table}"
                    " WHERE lexemes @@ CAST(:wanted AS tsquery)"
                    f" ORDER BY {kind.order} LIMIT {PAGE:d}"
                )
                began = perf_counter()
                hits.append([*connection.scalars(statement, {"wanted": wanted})])
                kind.seconds.append(perf_counter() - began)
            if hits[0] != hits[1]:
                yield asked


def main() -> int:
    """Measure and print; return 1 if the two find different rows."""
    options = _options()
    engine = create_engine(options.url, isolation_level="AUTOCOMMIT")
    both = kinds()
    with engine.connect() as connection:
        try:
            for kind in both:
                fill(connection, kind)
                write(connection, kind, options.rows)
            differing = [*ask(connection, both, options.rounds)]
        finally:
            for kind in both:
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {kind.table}")
    print("index  build s    MB  ms a row  log KB a row  newest hits p50 ms  p95 ms")
    for kind in both:
        most = quantiles(kind.seconds, n=20)[-1]
        print(
            f"{kind.name:5} {kind.build:8.1f} {kind.megabytes:5.0f} {kind.write * 1e3:9.2f}"
            f" {kind.log:13.1f} {median(kind.seconds) * 1e3:19.1f} {most * 1e3:7.1f}"
        )
    print("other hits:", ", ".join(dict.fromkeys(differing)) or "none")
    return int(bool(differing))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.rum",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "url", metavar="URL", help="the index, in a database with the extension rum"
    )
    parser.add_argument("--rows", type=int, default=1000, help="rows written (default: 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="of all queries (default: 3)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
