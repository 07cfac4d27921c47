"""The strict half of reading: proof that what is kept is whole, conforms, and is what the index says it is."""
