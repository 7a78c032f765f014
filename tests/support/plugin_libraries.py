"""Plugin libraries for tests, in C, with one creator that makes nothing: `FarmTest 7`.

Without NVIDIA's headers: a creator is an object whose first word points to its functions, in the order of its class.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from farm.filehash import file_ref
from farm.protocol.model import FileRef

_COMMON = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
typedef struct { int32_t count; const void *fields; } Fields;
static const Fields none = {0, 0};
static void nothing(void *self) {}
static void *create(void *self) { return 0; }
static const Fields *fields(void *self) { return &none; }
static const char *name(void *self) { return "FarmTest"; }
static const char *version(void *self) { return "7"; }
static const char *namespace(void *self) { return ""; }
"""
# From 8.6 on: IPluginCreatorV3One, found through an exported function.
_EXPORTED = """
typedef struct { const char *kind; int32_t major, minor; } Info;
static int32_t language(void *self) { return 0; }
static Info info(void *self) { Info found = {"PLUGIN CREATOR_V3ONE", 1, 0}; return found; }
static void *const table[] = {0, 0, language, info, nothing, nothing, create, fields, name, version, namespace};
static struct { void *const *table; } creator = {table + 2};
static void *const creators[] = {&creator};
void *const *getCreators(int32_t *count) { *count = 1; return creators; }
void setLoggerFinder(void *finder) {}
"""
# 8.5: IPluginCreator, which registers itself when the library is loaded.
_REGISTERED = """
static int32_t made_for(void *self) { return 8503; }
static void *const table[] = {
    0, 0, made_for, name, version, fields, create, create, nothing, namespace, nothing, nothing};
static struct { void *const *table; } creator = {table + 2};
typedef int (*Register)(void *registry, void *creator, const char *namespace);
__attribute__((constructor)) static void loaded(void) {
    void *library = dlopen("libnvinfer.so.8", RTLD_NOW | RTLD_NOLOAD);
    void **(*registry)(void) = (void **(*)(void))dlsym(library, "getPluginRegistry");
    void **found = registry();
    ((Register)((void **)*found)[0])(found, &creator, "");
}
"""


def plugin_library(folder: Path, name: str = "libfarmtest.so", registers: bool = False, empty: bool = False) -> FileRef:
    """The file, and what a manifest says of it.

    Args:
        folder: Where it is put.
        name: Of the file.
        registers: It registers itself, as 8.5 wants it.
        empty: It is a library without anything.
    """
    source = folder / f"{name}.c"
    source.write_text("int nothing;" if empty else _COMMON + (_REGISTERED if registers else _EXPORTED))
    command = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-w", "-o", str(folder / name), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return file_ref(folder / name)
