"""File formats, bytes in, bytes out: WARC records, gzip members, WACZ, CDXJ, SURT."""
