"""One module for each group of checks of `farm doctor`; each check is a value, printed by the command."""
