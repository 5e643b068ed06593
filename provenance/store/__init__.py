"""Keeps entries, objects and the index that answers questions about them. Start at `ledger.Ledger`."""
