"""Recordings: their files, transcripts and exports."""

MANIFEST_FILE = "session.json"  # by which a recording is known
