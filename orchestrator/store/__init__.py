"""The database behind the services."""
