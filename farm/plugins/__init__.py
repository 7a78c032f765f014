"""Folders of plugins as users have them: what they say of themselves, and which of their files are sources."""
