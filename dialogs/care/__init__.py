"""Care for people in danger or distress, before anything else that they may want.

Imports responses and what lies below it; only the manager imports it.
"""
