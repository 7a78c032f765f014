// Sampling a tile of places from the box of elements around them, which is copied to shared memory.
#pragma once

#include <cuda_pipeline.h>

#include <climits>
#include <cstdint>

#include "common/shared.cuh"
#include "kernel.hpp"
#include "planes.cuh"
#include "stencil.cuh"

namespace farm {

// Places side by side and one below the other, and the box that is copied at most.
template <typename T, int kThreads, int kWidth, int kHeight, int kPitch, int kRows, int kStages>
struct TileShape {
  using Element = T;
  static constexpr int threads = kThreads;
  static constexpr int width = kWidth;
  static constexpr int height = kHeight;
  static constexpr int pitch = kPitch;
  static constexpr int rows = kRows;
  static constexpr int stages = kStages;
  static constexpr int vector = 16 / sizeof(T);
  static constexpr int across = 4 / sizeof(T);   // places of a thread side by side
  static constexpr int lanes = kWidth / across;  // of one row of places
  static constexpr int step = kThreads / lanes;  // rows between those of a thread
  static constexpr int down = kHeight / step;
  static constexpr int places = across * down;
  static constexpr int slots = (kPitch / vector * kRows + kThreads - 1) / kThreads;
  static constexpr int bytes = kStages * kRows * kPitch * static_cast<int>(sizeof(T));
  static_assert(kPitch % vector == 0 && kThreads % lanes == 0, "threads take whole rows");
};

// The upper left one of the four elements around a place, which may be one element outside.
struct Corner {
  int x = 0;
  int y = 0;
  bool there = false;  // any of the four is inside
  float share[4] = {};
};

template <typename T>
__device__ __forceinline__ Corner corner_of(const GridSampler& how, const T* grid) {
  constexpr auto kHow = Interpolation::kBilinear;
  const AxisTaps<kHow> x = taps_of<kHow>(how, wide(grid[0]), how.width);
  const AxisTaps<kHow> y = taps_of<kHow>(how, wide(grid[1]), how.height);
  Corner corner;
  corner.there = (x.index[0] >= 0 || x.index[1] >= 0) && (y.index[0] >= 0 || y.index[1] >= 0);
  corner.x = x.index[0] >= 0 ? x.index[0] : -1;
  corner.y = y.index[0] >= 0 ? y.index[0] : -1;
#pragma unroll
  for (int i = 0; i < 4; ++i) corner.share[i] = y.share[i / 2] * x.share[i % 2];
  return corner;
}

struct Box {
  int left, right, top, bottom;  // all are inside

  __device__ void hold(const Corner& corner) {
    left = min(left, corner.x);
    right = max(right, corner.x + 1);
    top = min(top, corner.y);
    bottom = max(bottom, corner.y + 1);
  }
};

// The box that holds those of all threads of the block.
template <int kThreads>
__device__ __forceinline__ Box joined(Box box) {
  __shared__ Box of_warp[kThreads / kLanes];
  for (int apart = kLanes / 2; apart > 0; apart /= 2) {
    box.left = min(box.left, __shfl_xor_sync(kAllLanes, box.left, apart));
    box.right = max(box.right, __shfl_xor_sync(kAllLanes, box.right, apart));
    box.top = min(box.top, __shfl_xor_sync(kAllLanes, box.top, apart));
    box.bottom = max(box.bottom, __shfl_xor_sync(kAllLanes, box.bottom, apart));
  }
  if (threadIdx.x % kLanes == 0) of_warp[threadIdx.x / kLanes] = box;
  __syncthreads();
#pragma unroll
  for (const Box& other : of_warp) {
    box.left = min(box.left, other.left);
    box.right = max(box.right, other.right);
    box.top = min(box.top, other.top);
    box.bottom = max(box.bottom, other.bottom);
  }
  return box;
}

// What a thread copies of each box: whole vectors, which are inside or outside of the input.
template <typename Tile>
struct Copies {
  int from[Tile::slots];  // kOutside for none
  int to[Tile::slots];

  template <typename T>
  __device__ Copies(const GridSampler& how, const Box& box, T* buffers) {
    const int vectors = (box.right - box.left) / Tile::vector + 1;
#pragma unroll
    for (int i = 0; i < Tile::slots; ++i) {
      const int index = static_cast<int>(threadIdx.x) + i * Tile::threads;
      const int row = index / vectors;
      const int y = box.top + row;
      const int column = index % vectors * Tile::vector;
      const int x = box.left + column;
      const bool inside = y >= 0 && y < how.height && x >= 0 && x < how.width;
      from[i] = y <= box.bottom && inside ? y * how.width + x : kOutside;
      to[i] = row * Tile::pitch + column;
      if (y > box.bottom || inside) continue;
      for (int stage = 0; stage < Tile::stages; ++stage) {
        *reinterpret_cast<uint4*>(buffers + stage * Tile::rows * Tile::pitch + to[i]) = uint4{};
      }
    }
  }

  template <typename T>
  __device__ __forceinline__ void begin(const T* plane, T* buffer) const {
#pragma unroll
    for (int i = 0; i < Tile::slots; ++i) {
      if (from[i] >= 0) __pipeline_memcpy_async(buffer + to[i], plane + from[i], 16);
    }
  }
};

template <int kAcross>
__device__ __forceinline__ void put(float* to, const float (&value)[kAcross]) {
  __stcs(to, value[0]);
}
template <int kAcross>
__device__ __forceinline__ void put(__half* to, const float (&value)[kAcross]) {
  const __half2 both = __floats2half2_rn(value[0], value[kAcross - 1]);
  unsigned word;
  memcpy(&word, &both, sizeof word);
  __stcs(reinterpret_cast<unsigned*>(to), word);
}

// A block samples a tile of one image in `chunk` planes. Its threads find the corners of their
// places once; then boxes are copied plane by plane, some ahead, while threads sample the one that
// is there. A tile whose box is too large is sampled as by `sample_planes`. Bound: memory.
template <typename Tile, typename T = typename Tile::Element>
__global__ void __launch_bounds__(Tile::threads, 1024 / Tile::threads)
    sample_tiles(GridSampler how, const T* __restrict__ input, const T* __restrict__ grid,
                 T* __restrict__ output, int chunk, const int* rough) {
  if (rough != nullptr && *rough != 0) return;
  constexpr int kArea = Tile::rows * Tile::pitch;
  T* buffers = dynamic_shared<T>();

  const int rows = static_cast<int>(how.places / how.columns);
  const unsigned tiles_across = (how.columns + Tile::width - 1) / Tile::width;
  const unsigned tiles = tiles_across * ((rows + Tile::height - 1) / Tile::height);
  const unsigned chunks = (how.channels + chunk - 1) / chunk;
  const unsigned tile = blockIdx.x % tiles;
  const unsigned block = blockIdx.x / tiles;
  const int first = static_cast<int>(block % chunks) * chunk;
  const std::int64_t image = block / chunks;
  const int channels = min(chunk, how.channels - first);
  const int x = static_cast<int>(tile % tiles_across) * Tile::width +
                static_cast<int>(threadIdx.x) % Tile::lanes * Tile::across;
  const int y = static_cast<int>(tile / tiles_across) * Tile::height +
                static_cast<int>(threadIdx.x) / Tile::lanes;

  Corner corner[Tile::places];
  Box box = {INT_MAX / 2, INT_MIN / 2, INT_MAX / 2, INT_MIN / 2};
#pragma unroll
  for (int i = 0; i < Tile::places; ++i) {
    const int column = x + i % Tile::across;
    const int row = y + i / Tile::across * Tile::step;
    if (column < how.columns && row < rows) {
      const std::int64_t place = image * how.places + static_cast<std::int64_t>(row) * how.columns;
      corner[i] = corner_of(how, grid + (place + column) * 2);
    }
    if (corner[i].there) box.hold(corner[i]);
  }
  box = joined<Tile::threads>(box);
  if (box.right < box.left) box = {0, 0, 0, 0};
  box.left &= ~(Tile::vector - 1);
  const std::int64_t plane = static_cast<std::int64_t>(how.height) * how.width;
  const T* from = input + (image * how.channels + first) * plane;
  T* to = output + (image * how.channels + first) * how.places;
  if (box.right - box.left >= Tile::pitch || box.bottom - box.top >= Tile::rows) {
    for (int i = 0; i < Tile::places; ++i) {
      const int column = x + i % Tile::across;
      const int row = y + i / Tile::across * Tile::step;
      if (column >= how.columns || row >= rows) continue;
      const std::int64_t place = static_cast<std::int64_t>(row) * how.columns + column;
      const auto stencil =
          stencil_of<2, Interpolation::kBilinear>(how, grid + (image * how.places + place) * 2);
      walk_planes(stencil, from, to + place, channels, plane, how.places);
    }
    return;
  }
  const Copies<Tile> copies(how, box, buffers);
  int at[Tile::places];
#pragma unroll
  for (int i = 0; i < Tile::places; ++i) {
    at[i] = corner[i].there ? (corner[i].y - box.top) * Tile::pitch + corner[i].x - box.left : 0;
  }
#pragma unroll
  for (int stage = 0; stage < Tile::stages - 1; ++stage) {
    if (stage < channels) copies.begin(from + stage * plane, buffers + stage * kArea);
    __pipeline_commit();
  }
  from += (Tile::stages - 1) * plane;
  to += static_cast<std::int64_t>(y) * how.columns + x;
  for (int base = 0; base < channels; base += Tile::stages) {
#pragma unroll
    for (int stage = 0; stage < Tile::stages; ++stage) {
      const int channel = base + stage;
      if (channel >= channels) break;
      __pipeline_wait_prior(Tile::stages - 2);
      __syncthreads();
      if (channel + Tile::stages - 1 < channels) {
        copies.begin(from, buffers + (stage + Tile::stages - 1) % Tile::stages * kArea);
      }
      __pipeline_commit();
      const T* held = buffers + stage * kArea;
#pragma unroll
      for (int i = 0; i < Tile::places; i += Tile::across) {
        float value[Tile::across];
#pragma unroll
        for (int k = 0; k < Tile::across; ++k) {
          const Corner& here = corner[i + k];
          const T* four = held + at[i + k];
          float sum = here.share[0] * wide(four[0]);
          sum = fmaf(here.share[1], wide(four[1]), sum);
          sum = fmaf(here.share[2], wide(four[Tile::pitch]), sum);
          sum = fmaf(here.share[3], wide(four[Tile::pitch + 1]), sum);
          value[k] = here.there ? sum : 0.0f;
        }
        const int row = i / Tile::across * Tile::step;
        if (x < how.columns && y + row < rows) {
          put<Tile::across>(to + static_cast<std::int64_t>(row) * how.columns, value);
        }
      }
      from += plane;
      to += how.places;
    }
  }
}

}  // namespace farm
