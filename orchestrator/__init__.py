"""The coordinator: accepts submissions, wakes devices, keeps engines."""
