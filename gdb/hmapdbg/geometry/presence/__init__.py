"""Buckets of a few entry pointers with a bit for each that is there, and child buckets; two arrays
while the map grows (Valkey). The Geometry is that of geometry.chains.

    layout   where things are in a bucket
    walk     the buckets of an array with their children
    map      an opened map over them: walk, audit
"""
