"""hmapdbg: what is inside a hash map of another process.

Data flows one way, and a layer imports only what stands to its left:

    target -> layout -> values -> block -> families -> { stats, check }
           -> { text, csv, json, plot } -> commands
"""

__version__ = "0.1.0"
