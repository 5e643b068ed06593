"""Questions over the record: ancestry, what changed between two runs, how to get an earlier graph back."""
