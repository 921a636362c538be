"""Conversations as they run: connections, sessions, effects, timers, recorder; asyncio.

One process and one event loop. Imports handoff, inference, privacy, store and wire; console and
server.py import it.
"""
