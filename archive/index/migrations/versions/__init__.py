"""One module for each change of the schema; from 0010 on each runs on both databases."""
