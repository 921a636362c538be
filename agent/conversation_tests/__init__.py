"""Conversation tests: conversations written in YAML beside a pack, played with the real models."""
