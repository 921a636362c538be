"""PACKAGE pack."""
