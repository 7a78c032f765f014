"""One lease, from its claim to its end: fetch, run the child, tell what happens, deliver."""
