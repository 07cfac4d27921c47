"""Take-downs: removal of an article from index and WARC files, recorded and resumable."""
