"""Jobs on many machines: what is due is deferred to Procrastinate, and workers run it."""
