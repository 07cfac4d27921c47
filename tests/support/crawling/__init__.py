"""Crawls, by our settings and with what a user adds, and checks of what they leave."""
