"""PACKAGE fusion_models."""
