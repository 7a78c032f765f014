"""Wake-ups through Celery, or none."""
