"""Boost.Unordered: unordered_flat_map, unordered_node_map, the concurrent ones and their sets, and
boost::unordered_map, multimap, set and multiset of all releases.

    containers  which container a type is
    hashes      boost::hash and std::hash of many keys at once
    placement   where keys belong, by which hash function: its entries prove it
    groups      open addressing, from 1.81 on
    lists       cells with a list each, from 1.80 on
    one_list    cells and one list, before 1.80
    family      recognises and opens all of them
"""
