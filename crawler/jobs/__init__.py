"""Scheduled jobs: jobs.toml, when each is due, one run of it, the daemon."""
