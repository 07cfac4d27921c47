"""What is worth waking somebody for: pure judgements over what the index tells, and how they are told."""
