"""PACKAGE privacy."""
