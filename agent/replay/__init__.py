"""Replay of recorded conversations: run them again and compare the decisions.

Imports no clock, no network, no bank and nothing of the runtime: a replay gives the same result
anywhere.
"""
