"""Backups of a running farm, and farms made from them."""
