"""From an exchange to a page: charset, HTML, text renderings, walls, paywalls. Pure functions."""
