"""Answers for people and programs: plain dicts in and out, and the command line that prints them."""
