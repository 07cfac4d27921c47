"""The list of verbs that ``sacho --help`` prints; no verb is imported for it."""

from __future__ import annotations

from crawler import VERSION

#: What each verb is for, by its name.
VERBS = {
    "backup": "Back up the archive and its index to a folder; copy only what is new",
    "changes": "Print what is new, changed, gone, back or removed since a cursor, or post it",
    "check": "Check the outlets' files, yours too",
    "completion": "Print a script that completes this command line in a shell",
    "crawl": "Crawl an outlet: discover its articles, fetch what is due, keep every exchange",
    "export": "Write articles to a file (.jsonl, .csv, .parquet), or their captures (.wacz, .cdxj)",
    "fetch": "Print one page, as a crawl would fetch it, without archiving it",
    "genspider": "Make the file of a new outlet, to be filled in",
    "index": "Copy the index to another database",
    "list": "List the outlets",
    "outlet": "Make the file of a new outlet from pages of it, or check that of one",
    "parse": "Print the article of one page, as a crawl would read it, without archiving it",
    "recover": "Recover and close WARC files left open by crashed runs",
    "reindex": "Rebuild the index from the WARC files, after a parser was fixed or it was lost",
    "remove": "Remove articles from the index and the WARC files, and block them for good",
    "replay": "Import saved pages and web archives (.txt, .html, .warc, .arc, .wacz), offline",
    "restore": "Restore the archive and its index from a backup to new places",
    "schedule": "Run the jobs of the jobs file when they are due, and raise alarms",
    "search": "Find articles by words or parts of words",
    "serve": "Show the archive in a browser: search, articles, their history, outlets, runs",
    "settings": "Get settings values",
    "shell": "Open a Python console with one page, to try selectors",
    "show": "Show one article with its revisions and captures, or list the articles",
    "status": "Show each outlet's last run and results, open alarms, and the history of runs",
    "verify": "Verify the archive against its manifest and index, or single WARC files and WACZs",
    "view": "Open one page in a browser, as a crawl would fetch it",
    "worker": "Run the jobs that schedule defers, with an index in PostgreSQL, on any machine",
}


def print_verbs() -> None:
    """Print how the verbs are used, and a line of each."""
    print(f"Sacho {VERSION}: crawl and archive Korean news\n")
    print("Usage: sacho VERB [options] [arguments]\n\nVerbs:")
    for name, purpose in VERBS.items():
        print(f"  {name:<11} {purpose}")
    print("\nsacho VERB --help describes a verb; sacho completion SHELL completes them by TAB.")
