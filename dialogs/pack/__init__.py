"""Packs: what one business says, asks and does, read from YAML, checked and frozen.

Imports knowledge and dialogs.values alone; the rest of dialogs reads a pack and never changes it.
"""
