"""The spider of every outlet, its loader, and the session that stores what it fetches."""
