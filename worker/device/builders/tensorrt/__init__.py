"""Engines of TensorRT through its Python API: version 8.5 to 11, and TensorRT for RTX ahead of time."""
