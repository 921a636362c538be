"""PACKAGE core."""
