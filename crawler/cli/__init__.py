"""What the commands share: base class, tables, progress, summaries, times."""
