"""Bytes by content, in files."""
