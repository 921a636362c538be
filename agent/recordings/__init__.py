"""Recordings of conversations: their files, transcripts, audio and exports.

Imports the core and the store, from which a recording is taken.
"""
