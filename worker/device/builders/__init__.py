"""Builders: one module for each backend, listed in `table`. A builder's runtime is imported when it is used."""
