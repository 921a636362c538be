"""PACKAGE lab."""
