"""PACKAGE cli."""
