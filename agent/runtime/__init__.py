"""PACKAGE runtime."""
