"""Members in anonymous structs, as libc++ has them since version 21: a map is known by them, and
structs that differ only in the types behind equal names stay apart."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tool import run_layout

# The fields of libc++ 22's std::__hash_table, by their names.
REPLICA = """
template <class Value> struct node;
template <class Value> struct node_base {
    node_base *__next_;
};
template <class Value> struct node : node_base<Value> {
    unsigned long __hash_;
    Value __value_;
};
template <class Value> struct table {
    typedef node_base<Value> first_node;
    node_base<Value> **__bucket_list_;
    struct {
        first_node __first_node_;
    };
    struct {
        unsigned long __size_;
    };
    struct {
        float __max_load_factor_;
    };
};
table<int> numbers;
table<double> measures;
int main() { return (int) numbers.__size_ + (int) measures.__size_; }
"""


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_a_map_is_known_by_members_of_anonymous_structs(compiler: str, tmp_path: Path) -> None:
    source, program = tmp_path / "replica.cc", tmp_path / "replica"
    source.write_text(REPLICA, encoding="utf-8")
    subprocess.run([compiler, "-g", "-o", program, source], check=True)
    told = run_layout(program)
    for variable, value in (("numbers", "int"), ("measures", "double")):
        assert f"  {variable}   table<{value}>" in told, told
        assert f"table<{value}>::first_node __first_node_;" in told, told
