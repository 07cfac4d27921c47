"""What the index learned, event by event: articles new, changed, missing, back, removed."""
