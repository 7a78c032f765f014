"""Pages for a browser: thin doors over the services, beside those of the API."""
