"""Measurement of turn-taking on recordings, and the choice of its settings."""
