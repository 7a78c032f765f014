"""HTTP in, service out."""
