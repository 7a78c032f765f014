// Sampling from the input as it lies, plane by plane.
#pragma once

#include <cstdint>

#include "common/pointer.cuh"
#include "kernel.hpp"
#include "stencil.cuh"

namespace farm {

constexpr int kPlaneThreads = 256;
// Planes under way at a time, so that about 16 loads are.
template <int kTaps>
constexpr int kPlanesAtOnce = kTaps <= 4   ? 4
                              : kTaps == 8 ? 2
                                           : 1;

// One place in all planes of a chunk; some planes are under way at a time.
template <int kAxes, Interpolation kHow, typename T>
__device__ __forceinline__ void walk_planes(const Stencil<kAxes, kHow>& stencil, const T* from,
                                            T* to, int channels, std::int64_t plane,
                                            std::int64_t places) {
  from = as_it_is(from);
#pragma unroll kPlanesAtOnce < Stencil < kAxes, kHow> ::kTaps>
  for (int channel = 0; channel < channels; ++channel, to += places) {
    float sum = 0.0f;
#pragma unroll
    for (int tap = 0; tap < Stencil<kAxes, kHow>::kTaps; ++tap) {
      const int index = stencil.index[tap];
      const float value = index >= 0 ? wide(__ldg(from + static_cast<unsigned>(index))) : 0.0f;
      sum = fmaf(stencil.share[tap], value, sum);
    }
    narrow(*to, sum);
    from = as_it_is(from + plane);
  }
}

// A thread finds the stencil of one place and walks `chunk` planes with it; neighbours are places
// side by side, so that writes are whole lines, and reads are, too, where the grid is smooth. Four
// planes are under way at a time. Blocks of the same planes follow each other, and find them in L2.
// Bound: memory for a smooth grid, the input and the output once; sectors of L2 for one that jumps
// about. `rough`, where it is not null, says whether the other kernels do the work.
template <typename T, int kAxes, Interpolation kHow>
__global__ void __launch_bounds__(kPlaneThreads)
    sample_planes(GridSampler how, const T* __restrict__ input, const T* __restrict__ grid,
                  T* __restrict__ output, int chunk, const int* rough) {
  if (rough != nullptr && *rough != 0) return;
  // There are no more blocks than 31 bits count, and 64 of them are slow to divide.
  const auto tiles = static_cast<unsigned>((how.places + kPlaneThreads - 1) / kPlaneThreads);
  const unsigned block = blockIdx.x / tiles;
  const std::int64_t place = std::int64_t{blockIdx.x % tiles} * kPlaneThreads + threadIdx.x;
  if (place >= how.places) return;
  const unsigned chunks = (how.channels + chunk - 1) / chunk;
  const int first = static_cast<int>(block % chunks) * chunk;
  const std::int64_t image = block / chunks;
  const Stencil<kAxes, kHow> stencil =
      stencil_of<kAxes, kHow>(how, grid + (image * how.places + place) * kAxes);

  const std::int64_t plane = static_cast<std::int64_t>(how.depth) * how.height * how.width;
  walk_planes(stencil, input + (image * how.channels + first) * plane,
              output + (image * how.channels + first) * how.places + place,
              min(chunk, how.channels - first), plane, how.places);
}

}  // namespace farm
