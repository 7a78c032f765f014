"""Use-cases: one function for each sentence a user would say."""
