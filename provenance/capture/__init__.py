"""Taking events from the host without ever making it wait."""
