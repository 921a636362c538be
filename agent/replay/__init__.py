"""Replay of recorded conversations: run them again and compare the decisions."""
