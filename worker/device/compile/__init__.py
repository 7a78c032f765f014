"""Plugins from source to libraries for one card: the `compiling` stage of a build."""
