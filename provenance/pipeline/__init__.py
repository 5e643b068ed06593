"""What happens to each captured event: event → record → seal → store."""
