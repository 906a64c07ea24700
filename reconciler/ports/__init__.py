"""What the loop needs from the world, as Protocols whose docstrings are the contracts.

`reconciler.testing` holds a real fake and a `check_<port>` conformance kit for each; adapters pass the same kit.
"""
