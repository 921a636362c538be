"""PACKAGE recordings."""
