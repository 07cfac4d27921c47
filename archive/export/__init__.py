"""Export of articles as JSON Lines or CSV, and of captures as WACZ or CDXJ."""
