"""PACKAGE inference."""
