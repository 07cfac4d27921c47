"""What to fetch next, which run fetches it, when to fetch again, and the accounting of a run."""
