"""Signatures and the log's shape: keys, DSSE envelopes, the RFC 6962 tree, C2SP checkpoints."""
