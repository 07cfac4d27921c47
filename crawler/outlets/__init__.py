"""One small file an outlet, each holding one value named OUTLET."""
