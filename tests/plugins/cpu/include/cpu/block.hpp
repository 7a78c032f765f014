// What threads of a block ask of the machine that plays them: see block.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace farm::cpu {

// Where in a kernel a barrier or a warp collective stands; all who meet must stand at the same place.
struct Where {
  char const* file = "";
  int line = 0;
  static Where here(char const* file, int line) { return {file, line}; }
};

constexpr unsigned kWarpSize = 32;

struct Votes {
  int nonzero;
  int all;
};

// Waits until every thread of the block came to the same barrier; says how many brought a predicate.
Votes barrier(bool predicate, Where where);

// Waits for the lanes of a mask, then sees what each of them brought (nothing from other lanes), until
// the next time.
struct Brought {
  std::uint64_t value[kWarpSize];
};
Brought const& meet(unsigned mask, std::uint64_t value, Where where);

// The calling thread's place in its warp.
unsigned lane();

// Lets other threads and blocks go on: what waits for them must call it, or it waits for ever.
void relax();

// The block's dynamic shared memory; exactly as long as its launch said.
void* dynamic_shared_bytes();

// Ends the process with a sentence: a kernel did what CUDA forbids.
[[noreturn]] void misuse(Where where, char const* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace farm::cpu
