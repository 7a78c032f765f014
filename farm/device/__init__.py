"""What is this machine? Probed into DeviceFacts."""
