"""Upgrade campaigns: every live model built anew on another toolchain, compared, then promoted or not."""
