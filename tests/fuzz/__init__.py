"""Doors for bytes from outside, and a fuzzer that tries them: `make fuzz`."""
