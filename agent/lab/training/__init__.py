"""Offline training of the embedded models: short, resumable runs; no serving code imports them."""
