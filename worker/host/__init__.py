"""What only a big CPU machine does: graphs, references, exporters."""
