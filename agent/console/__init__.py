"""Consoles of the people who take over: presence, queue, transcripts, take-over, voice.

Imports the runtime, whose conversations it shows and changes; nothing but server.py imports it.
"""
