"""PyTorch networks to ONNX files: one exporter for each network, in the table of `table.py`."""
