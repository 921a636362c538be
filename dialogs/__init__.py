"""Dialogue engine: packs, flows, replies, knowledge retrieval, escalation; pure, no I/O.

Of audio it imports audio.types alone, and nothing of agent.
"""
