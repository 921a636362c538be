"""PACKAGE knowledge."""
