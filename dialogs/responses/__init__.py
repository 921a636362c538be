"""Responses to a dialogue act: flows, commands, offers, fallbacks, action results.

Imports escalation and what lies below it; only the manager and the agent assist import it.
"""
