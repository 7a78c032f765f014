"""Tests of `farm.backends`."""
