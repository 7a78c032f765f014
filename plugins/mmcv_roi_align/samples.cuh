// Where the samples of a roi lie along one axis, and which two elements each is made of.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

namespace farm {

// More samples than this per bin are only walked where they lie inside the map.
constexpr int kWalkedWhole = 64;
constexpr float kMostSamples = 1 << 30;

// One axis of a roi. Of the `samples` of each bin, `walked` in a row hold all that lie inside the
// map.
struct Axis {
  float start;
  float bin;
  int samples;
  int walked;
  int size;
};

// An element of the map and its share of a sample; no element where the sample lies outside.
struct alignas(8) Tap {
  int place;
  float share;
};
constexpr int kFarOutside = -(1 << 30);
constexpr Tap kNoTap = {kFarOutside, 0.0f};

__device__ __forceinline__ float wide(float value) { return value; }
__device__ __forceinline__ float wide(__half value) { return __half2float(value); }
__device__ __forceinline__ void narrow(float& to, float value) { to = value; }
__device__ __forceinline__ void narrow(__half& to, float value) { to = __float2half_rn(value); }

// Rounded after every step, as a processor does: the number of samples jumps with the last bit.
__device__ inline Axis axis_of(float low, float high, float scale, bool aligned, int bins,
                               int samples, int size) {
  Axis axis;
  const float shift = aligned ? 0.5f : 0.0f;
  axis.start = __fsub_rn(__fmul_rn(low, scale), shift);
  float length = __fsub_rn(__fsub_rn(__fmul_rn(high, scale), shift), axis.start);
  if (!aligned) length = fmaxf(length, 1.0f);
  axis.bin = __fdiv_rn(length, static_cast<float>(bins));
  axis.size = size;
  if (samples > 0) {
    axis.samples = samples;
  } else {
    const float needed = ceilf(axis.bin);
    // Not for NaN, nor for infinite rois: nothing of them lies anywhere.
    axis.samples =
        needed > 0.0f && needed <= 3e38f ? static_cast<int>(fminf(needed, kMostSamples)) : 0;
  }
  axis.walked = axis.samples;
  const float step = axis.bin / static_cast<float>(max(axis.samples, 1));
  if (axis.samples > kWalkedWhole && step > 0.0f) {
    const float inside = (static_cast<float>(size) + 1.0f) / step + 4.0f;
    if (inside < static_cast<float>(axis.samples)) axis.walked = static_cast<int>(inside);
  }
  return axis;
}

// The first sample walked in a bin.
__device__ __forceinline__ int first_walked(const Axis& axis, int bin) {
  if (axis.walked == axis.samples) return 0;
  const float origin = axis.start + static_cast<float>(bin) * axis.bin;
  const float step = axis.bin / static_cast<float>(axis.samples);
  const float first = floorf((-1.0f - origin) / step - 0.5f) - 1.0f;
  return static_cast<int>(
      fminf(fmaxf(first, 0.0f), static_cast<float>(axis.samples - axis.walked)));
}

// Of a bin, tap 2 i is the lower element of its i-th walked sample, 2 i + 1 the upper one.
__device__ __forceinline__ Tap tap_of(const Axis& axis, int bin, int index) {
  const float sample = static_cast<float>(first_walked(axis, bin) + (index >> 1)) + 0.5f;
  const float inner = __fdiv_rn(__fmul_rn(sample, axis.bin), static_cast<float>(axis.samples));
  const float outer = __fadd_rn(axis.start, __fmul_rn(static_cast<float>(bin), axis.bin));
  const float at = __fadd_rn(outer, inner);
  // Written so that NaN is outside, too.
  if (!(at >= -1.0f && at <= static_cast<float>(axis.size))) return kNoTap;
  const float clamped = fmaxf(at, 0.0f);
  const int last = axis.size - 1;
  const int low = min(static_cast<int>(clamped), last);
  const float part = low == last ? 0.0f : clamped - static_cast<float>(low);
  return (index & 1) != 0 ? Tap{min(low + 1, last), part} : Tap{low, 1.0f - part};
}

}  // namespace farm
