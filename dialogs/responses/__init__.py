"""PACKAGE responses."""
