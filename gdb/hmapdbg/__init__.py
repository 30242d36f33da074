"""hmapdbg: what is inside a hash map of another process.

Data flows one way, from target/ to commands/: CONTRIBUTING.md shows the packages in order, and
tests/unit/test_layers.py checks it.
"""

__version__ = "0.1.0"
