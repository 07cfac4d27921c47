"""A captured page and its style sheets written anew: no address in them leads to a live host."""
