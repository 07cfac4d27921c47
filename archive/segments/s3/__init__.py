"""An archive in a bucket of S3: objects, uploads that resume, the local spool, logs by writers."""
