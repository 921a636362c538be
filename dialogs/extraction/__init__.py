"""PACKAGE extraction."""
