"""Cases beside the rules: put to the engine, what they exercise, thresholds, changes that none notices."""
