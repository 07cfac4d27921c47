"""What verbs share: base class, tables, progress, summaries, parsing of times."""
