"""Tests that need a GPU and TensorRT: `make test-gpu` on such a machine. They are no part of `make test`."""
