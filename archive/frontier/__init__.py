"""What to fetch next, who holds it, when to look again, and the accounts of a run."""
