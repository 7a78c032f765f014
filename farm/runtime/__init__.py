"""Load an engine bundle and run arrays through it."""
