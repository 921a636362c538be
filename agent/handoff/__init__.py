"""PACKAGE handoff."""
