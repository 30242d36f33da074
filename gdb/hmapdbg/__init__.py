"""hmapdbg: what is inside a hash map of another process.

Data flows one way, from target/ to commands/: CONTRIBUTING.md draws the rooms in their order, and
tests/unit/test_layers.py keeps it.
"""

__version__ = "0.1.0"
