"""Which addresses an outlet has: feeds, sitemaps, lists, id walks, and the plan over them."""
