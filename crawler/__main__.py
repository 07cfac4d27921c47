"""The start of ``sacho``: it imports nothing that takes time before Ctrl-C is one line."""

from __future__ import annotations

import sys

from crawler.cli.output.standard_streams import open_closed_streams


def main() -> None:
    """Import and run the command line, and exit with its status; 1 if Ctrl-C ends either."""
    open_closed_streams()
    try:
        from crawler.cli.main import main as run

        run()
    except KeyboardInterrupt:
        print("sacho: stopped", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
