"""Pages in the outlets' known shapes with the seeds' or our own text, and the server that serves them."""
