"""Engines of TensorRT through its program trtexec, for devices whose Python has no binding."""
