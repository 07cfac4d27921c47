"""HTTP messages as served, bytes in and bytes out: heads, framing, content coding, repair."""
