"""The one way to say: this cannot start, and here is what to change."""


class Refusal(Exception):
    """Something the operator gave is wrong. To do: print it to stderr, exit with 2. Its text names
    the place and what to write instead; it never holds a secret.
    """
