"""The public contract of Switchboard: topics, events, codec and the policy's shape.

Everything that crosses a process boundary is declared here and nowhere else. This package
imports pydantic and the standard library only, so that adapters and desktops may depend on it.
"""
