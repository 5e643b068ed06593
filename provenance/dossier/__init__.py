"""One file by which a stranger can check offline how a work came to be: chosen from a ledger, written, read again."""
