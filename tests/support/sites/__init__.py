"""Sites on loopback that are crawled: raw servers, made outlets, odd and costly answers."""
