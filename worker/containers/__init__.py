"""Builds in containers: the same promises as a child process, with nothing of this machine but what they were given."""
