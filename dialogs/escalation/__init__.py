"""Escalation to a person: scoring, the handoff and its summary, the call-back.

Imports interpretation and what lies below it; responses and the manager import it.
"""
