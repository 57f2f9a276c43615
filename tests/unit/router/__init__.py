"""The router's decisions: given what happened, when a command comes, then these facts follow."""
