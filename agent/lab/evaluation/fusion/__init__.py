"""Comparison of methods to fuse words and voice: `hearken evaluate fusion`."""
