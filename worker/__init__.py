"""The part of the farm that runs next to an accelerator, or prepares graphs on a host."""
