"""Recordings of conversations: their files, transcripts, audio and exports.

Imports the core and the store, from which a recording is taken.
"""

MANIFEST_FILE = "session.json"  # by which a recording is known
