// Copies into shared memory that go on while a thread does something else; here none arrives before it is waited for.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstring>
#include <deque>
#include <vector>

namespace farm::cpu {

struct Copy {
  void* to;
  void const* from;
  std::size_t bytes, zeros;
};

struct Copies {
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> batches;
};

// Those of the calling thread of the block that this machine thread plays.
inline Copies& copies() {
  thread_local std::array<Copies, 1024> all;
  return all[threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)];
}

}  // namespace farm::cpu

inline void __pipeline_memcpy_async(void* to, void const* from, std::size_t bytes, std::size_t zeros = 0) {
  bool const aligned = (reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from)) % bytes == 0;
  if ((bytes != 4 && bytes != 8 && bytes != 16) || zeros > bytes || !aligned) {
    farm::cpu::misuse({__FILE__, __LINE__}, "a copy of %zu bytes to %p from %p is not aligned", bytes, to, from);
  }
  farm::cpu::copies().open.push_back({to, from, bytes, zeros});
}

inline void __pipeline_commit() {
  auto& all = farm::cpu::copies();
  all.batches.push_back(std::move(all.open));
  all.open.clear();
}

inline void __pipeline_wait_prior(std::size_t batches) {
  auto& waiting = farm::cpu::copies().batches;
  for (; waiting.size() > batches; waiting.pop_front()) {
    for (auto const& copy : waiting.front()) {
      std::memcpy(copy.to, copy.from, copy.bytes - copy.zeros);
      std::memset(static_cast<unsigned char*>(copy.to) + copy.bytes - copy.zeros, 0, copy.zeros);
    }
  }
}
