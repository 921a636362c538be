"""PACKAGE console."""
