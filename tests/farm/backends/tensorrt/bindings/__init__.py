"""The table of capabilities, held against the bindings that NVIDIA publishes."""
