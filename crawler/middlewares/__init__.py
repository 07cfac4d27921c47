"""Downloader middlewares: robots.txt, pacing, retries, decompression, redirects."""
