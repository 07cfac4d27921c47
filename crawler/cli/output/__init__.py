"""What the commands print: tables, progress, summaries, findings, times; safe for a terminal."""
