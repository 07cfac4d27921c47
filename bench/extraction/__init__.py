"""The benchmark of extraction: our readings and those of other tools, on the same pages."""
