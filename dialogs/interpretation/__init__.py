"""PACKAGE interpretation."""
