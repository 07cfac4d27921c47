"""The store of WARC files: writing, naming, locking, recovery, manifest, reading one record."""
