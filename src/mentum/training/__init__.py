"""Learning in two stages."""
