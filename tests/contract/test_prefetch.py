"""Prefetches are really made: gcc drops calls of functions whose only work is __builtin_prefetch."""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
HELPER = "base/prefetch.h"

# As base/prefetch.h is used: a function that does nothing but ask, called by another.
USE = """
#include "base/prefetch.h"

static __attribute__((noinline)) void ask(void *const *items, int count)
{
    for (int i = 0; i < count; i++)
        prefetch(items[i]);
}

void visible(void *const *items, int count)
{
    ask(items, count);
}
"""


def test_only_the_helper_uses_the_builtin():
    users = [p.relative_to(ROOT).as_posix() for tree in ("base", "cacheengine", "controlplane", "agent")
             for p in (ROOT / tree).rglob("*.[ch]") if "__builtin_prefetch" in p.read_text()]
    assert users == [HELPER]


def test_the_compiler_keeps_what_the_helper_asks_for():
    command = [os.environ.get("CC", "cc"), "-std=gnu17", "-O2", "-S", "-x", "c", "-I", str(ROOT), "-o", "-", "-"]
    made = subprocess.run(command, input=USE, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^\s*(prefetch|prfm)", made, re.MULTILINE), made
