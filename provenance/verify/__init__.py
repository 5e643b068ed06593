"""Checks a whole log through a three-method reader, live or exported. Knows nothing of how it is stored."""
