"""The CUDA driver by ctypes: it comes with every NVIDIA driver, so that no package is needed, also not on a Jetson."""
