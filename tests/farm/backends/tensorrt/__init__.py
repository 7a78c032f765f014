"""Tests of `farm.backends.tensorrt`."""
