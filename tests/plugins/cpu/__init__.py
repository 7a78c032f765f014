"""CUDA on a processor: the kernels of plugins, compiled by g++ with sanitizers and run without a card."""
