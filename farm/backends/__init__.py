"""What the backends can do and which options they take, by version: pure data that coordinator and worker share."""
