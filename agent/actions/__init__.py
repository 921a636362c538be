"""PACKAGE actions."""
