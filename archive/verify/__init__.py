"""Proof that archive, manifest, index and articles agree."""
