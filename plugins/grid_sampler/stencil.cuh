// From a place of the grid to the elements that count there, and how much each.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernel.hpp"

namespace farm {

// Of the cubic convolution, as PyTorch has it.
constexpr float kSharpness = -0.75f;
constexpr int kOutside = -1;
constexpr int kLanes = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;
// Places beyond are taken for no place, as they have no fraction any more; PyTorch takes those for
// -100.
constexpr float kFarthest = 1e9f;
constexpr int kNowhere = -100;

__device__ __forceinline__ float wide(float value) { return value; }
__device__ __forceinline__ float wide(__half value) { return __half2float(value); }
__device__ __forceinline__ void narrow(float& to, float value) { to = value; }
__device__ __forceinline__ void narrow(__half& to, float value) { to = __float2half_rn(value); }

constexpr int taps_along(Interpolation interpolation) {
  return interpolation == Interpolation::kNearest    ? 1
         : interpolation == Interpolation::kBilinear ? 2
                                                     : 4;
}

// The elements of one axis; kOutside where there is none.
template <Interpolation kHow>
struct AxisTaps {
  int index[taps_along(kHow)];
  float share[taps_along(kHow)];
};

// The elements of a plane that count for one place.
template <int kAxes, Interpolation kHow>
struct Stencil {
  static constexpr int kAlong = taps_along(kHow);
  static constexpr int kTaps = kAlong * kAlong * (kAxes == 3 ? kAlong : 1);
  int index[kTaps];
  float share[kTaps];
};

// NaN becomes 0, as with PyTorch on a card.
__device__ __forceinline__ float clipped(float at, int size) {
  return fminf(fmaxf(at, 0.0f), static_cast<float>(size - 1));
}

// Back and forth between the middles (`align`) or the outer edges of the first and the last
// element.
__device__ inline float reflected(float at, int size, bool align) {
  const float low = align ? 0.0f : -0.5f;
  const float span = static_cast<float>(align ? size - 1 : size);
  if (span <= 0.0f) return 0.0f;
  const float far = fabsf(at - low);
  const float rest = fmodf(far, span);
  const bool even = fmodf(floorf(far / span), 2.0f) == 0.0f;
  return even ? rest + low : span - rest + low;
}

__device__ __forceinline__ float padded(const GridSampler& how, float at, int size) {
  if (how.padding == Padding::kZeros) return at;
  if (how.padding == Padding::kReflection) at = reflected(at, size, how.align_corners);
  return clipped(at, size);
}

__device__ __forceinline__ int inside(int index, int size) {
  return index >= 0 && index < size ? index : kOutside;
}

__device__ __forceinline__ void cubic_shares(float part, float (&share)[4]) {
  const auto near = [](float x) {
    return ((kSharpness + 2.0f) * x - (kSharpness + 3.0f)) * x * x + 1.0f;
  };
  const auto far = [](float x) {
    return ((kSharpness * x - 5.0f * kSharpness) * x + 8.0f * kSharpness) * x - 4.0f * kSharpness;
  };
  share[0] = far(part + 1.0f);
  share[1] = near(part);
  share[2] = near(1.0f - part);
  share[3] = far(2.0f - part);
}

// Rounded after every step, so that what lies between two elements does so everywhere.
template <Interpolation kHow>
__device__ __forceinline__ AxisTaps<kHow> taps_of(const GridSampler& how, float coordinate,
                                                  int size) {
  const float moved = __fadd_rn(coordinate, 1.0f);
  const auto length = static_cast<float>(size);
  float at = how.align_corners ? __fmul_rn(moved * 0.5f, length - 1.0f)
                               : __fsub_rn(__fmul_rn(moved, length), 1.0f) * 0.5f;
  if constexpr (kHow != Interpolation::kBicubic) at = padded(how, at, size);
  AxisTaps<kHow> taps;
  // What is far outside, or NaN, has no elements; comparisons with NaN are false. Of the cubic one,
  // the elements are padded, not the place.
  const bool near =
      kHow == Interpolation::kBicubic ? fabsf(at) < kFarthest : at >= -1.0f && at < length + 1.0f;
  if constexpr (kHow == Interpolation::kNearest) {
    const float whole = how.legacy ? roundf(at) : rintf(at);
    taps.index[0] = near ? inside(static_cast<int>(whole), size) : kOutside;
    taps.share[0] = 1.0f;
  } else {
    const float low = near ? floorf(at) : 0.0f;
    const float part = near ? at - low : 0.0f;
    const int first = static_cast<int>(low);
    if constexpr (kHow == Interpolation::kBilinear) {
      taps.index[0] = near ? inside(first, size) : kOutside;
      taps.index[1] = near ? inside(first + 1, size) : kOutside;
      taps.share[0] = 1.0f - part;
      taps.share[1] = part;
    } else {
      const int start = near ? first : kNowhere;
      cubic_shares(part, taps.share);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        taps.index[i] =
            inside(static_cast<int>(padded(how, static_cast<float>(start - 1 + i), size)), size);
      }
    }
  }
  return taps;
}

// The stencil of a place of the grid, whose coordinates start at `grid`.
template <int kAxes, Interpolation kHow, typename T>
__device__ inline Stencil<kAxes, kHow> stencil_of(const GridSampler& how, const T* grid) {
  using Made = Stencil<kAxes, kHow>;
  constexpr int kAlong = Made::kAlong;
  const AxisTaps<kHow> x = taps_of<kHow>(how, wide(grid[0]), how.width);
  const AxisTaps<kHow> y = taps_of<kHow>(how, wide(grid[1]), how.height);
  Made made;
#pragma unroll
  for (int j = 0; j < kAlong; ++j) {
#pragma unroll
    for (int i = 0; i < kAlong; ++i) {
      const bool there = y.index[j] >= 0 && x.index[i] >= 0;
      made.index[j * kAlong + i] = there ? y.index[j] * how.width + x.index[i] : kOutside;
      made.share[j * kAlong + i] = y.share[j] * x.share[i];
    }
  }
  if constexpr (kAxes == 3) {
    const AxisTaps<kHow> z = taps_of<kHow>(how, wide(grid[2]), how.depth);
    // Backwards, since the first layer is where the others are made from.
#pragma unroll
    for (int k = kAlong - 1; k >= 0; --k) {
#pragma unroll
      for (int i = 0; i < kAlong * kAlong; ++i) {
        const bool there = z.index[k] >= 0 && made.index[i] >= 0;
        const int layer = z.index[k] * how.height * how.width;
        made.index[k * kAlong * kAlong + i] = there ? layer + made.index[i] : kOutside;
        made.share[k * kAlong * kAlong + i] = z.share[k] * made.share[i];
      }
    }
  }
  return made;
}

}  // namespace farm
