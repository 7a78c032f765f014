"""One module for each verb, or a few that belong together. Imported when a verb is called."""
