"""File formats, bytes in, bytes out: HTTP messages, WARC records, gzip, WACZ, CDXJ, SURT."""
