"""Manifests: which documents a run reads."""
