"""Export of articles as JSON Lines, CSV or Parquet, and of captures as WACZ or CDXJ."""
