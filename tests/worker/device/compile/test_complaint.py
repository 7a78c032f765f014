from __future__ import annotations

from typing import List

import pytest

from worker.device.compile.complaint import CompilerLog, advice, errors_in, sentence

# As the programs write them, with the folder of a workspace before each name.
NVCC = """\
[ 33%] Building CUDA object CMakeFiles/plugin.dir/own/kernel.cu.o
/ws/own/kernel.cu(7): error: identifier "undefined_name" is undefined
  const int half = undefined_name;
                   ^

/ws/own/kernel.cu(8): error: expected an expression
  const int other = 3 +;
                       ^

2 errors detected in the compilation of "/ws/own/kernel.cu".
gmake[2]: *** [CMakeFiles/plugin.dir/build.make:77: CMakeFiles/plugin.dir/own/kernel.cu.o] Error 2
gmake: *** [Makefile:91: all] Error 2
""".splitlines()
GCC = """\
/ws/own/plugin.cpp: In member function ‘farm::Shapes Own::shapes(const farm::Shapes&) const’:
/ws/own/plugin.cpp:14:40: error: ‘input’ was not declared in this scope; did you mean ‘inputs’?
   14 |   Shapes shapes(const Shapes& inputs) const { return {input[0]}; }
      |                                                       ^~~~~
gmake[2]: *** [CMakeFiles/plugin.dir/build.make:90: CMakeFiles/plugin.dir/own/plugin.cpp.o] Error 1
""".splitlines()
CMAKE = """\
CMake Error at CMakeLists.txt:36 (message):
  The plugin own has no kernel.cu in /ws/own


-- Configuring incomplete, errors occurred!
""".splitlines()
OLD_NVCC = """\
/cuda/crt/host_config.h:132:2: error: #error -- unsupported GNU version! gcc versions later than 11 are not supported!
  132 | #error -- unsupported GNU version! gcc versions later than 11 are not supported!
      |  ^~~~~
""".splitlines()
SHARED = """\
ptxas error   : Entry function '_ZN4farm3ownEv' uses too much shared data (0x10000 bytes, 0xc000 max)
""".splitlines()
LINKER = """\
/usr/bin/ld: CMakeFiles/plugin.dir/own/plugin.cpp.o: in function `farm::Own::enqueue()':
plugin.cpp:(.text+0x20): undefined reference to `farm::twice(float const*)'
collect2: error: ld returned 1 exit status
""".splitlines()


def told(lines: List[str]) -> CompilerLog:
    log = CompilerLog("/ws")
    for line in lines:
        log.hear(line)
    return log


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (NVCC, 'own/kernel.cu(7): error: identifier "undefined_name" is undefined'),
        (GCC, "own/plugin.cpp:14:40: error: ‘input’ was not declared in this scope; did you mean ‘inputs’?"),
        (CMAKE, "CMake Error at CMakeLists.txt:36 (message): The plugin own has no kernel.cu in own"),
        (LINKER, "plugin.cpp:(.text+0x20): undefined reference to `farm::twice(float const*)'"),
    ],
    ids=["nvcc", "gcc", "cmake", "linker"],
)
def test_the_first_error_is_the_sentence(lines: List[str], first: str) -> None:
    assert sentence(told(lines).errors()) == first


def test_every_error_comes_with_its_lines_in_the_order_of_the_compiler() -> None:
    assert told(NVCC).errors() == (
        'own/kernel.cu(7): error: identifier "undefined_name" is undefined',
        "  const int half = undefined_name;",
        "                   ^",
        "own/kernel.cu(8): error: expected an expression",
        "  const int other = 3 +;",
        "                       ^",
        '2 errors detected in the compilation of "own/kernel.cu".',
    )


def test_a_thousand_errors_are_cut() -> None:
    lines = [f"own/kernel.cu({number}): error: no" for number in range(1000)]
    found = errors_in(lines)
    assert len(found) == 60
    assert found[0] == lines[0]


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        (OLD_NVCC, "older C++ compilers only"),
        (SHARED, "Use less static shared memory"),
        (NVCC, "the log of the attempt has what the compiler said"),
    ],
    ids=["gcc-too-new", "shared-memory", "unknown"],
)
def test_what_is_known_is_advised(lines: List[str], hint: str) -> None:
    assert hint in advice(told(lines).errors())


def test_an_ended_compiler_is_want_of_memory() -> None:
    assert told(["c++: fatal error: Killed signal terminated program cc1plus"]).ran_out_of_memory()
    assert not told(NVCC).ran_out_of_memory()


def test_a_program_that_says_nothing_is_not_quoted() -> None:
    assert sentence(told(["-- all is well"]).errors()) == "the compiler does not say why"
