"""The command line, the view and the account."""
