"""Scheduled jobs: what is to be run when (`jobsfile`, `rhythm`), what is due (`due`), and running it (`perform`)."""
