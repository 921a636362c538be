"""PACKAGE escalation."""
