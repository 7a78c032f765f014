// The convolution as a product of matrices whose left side is sampled when it is needed, and never
// written to memory.
//
// A block makes a tile of pixels by output channels of one group. Step after step it samples its
// pixels by 64 bytes of channels (each thread one or two vectors of four corners) into shared
// memory, brings the weights' rows for the same channels and tap beside it, and multiplies the two.
// Places are found once for each pixel, tap and deform group, nine taps at a time, and serve all
// channels; the taps of the same channels follow each other, so that corners that neighbouring taps
// share are in the L1 cache. While one step is multiplied, the corners and the weights of the next
// are on their way.
//
// Shared memory at 256 columns: pixels 2 x 5 KiB, weights 2 x 20 KiB, places 18 KiB, places of the
// outputs 0.75 KiB: 68.8 KiB, the rest is L1 cache.
#pragma once

#include <cuda_pipeline.h>

#include "common/deform_conv/corners.cuh"
#include "common/deform_conv/tile_memory.cuh"
#include "common/deform_conv/ways.cuh"
#include "common/shared.cuh"

namespace farm {
namespace deform_conv_detail {

template <typename T, typename Multiplier, typename Shape>
class Tile {
 public:
  using Memory = TileMemory<T, Shape>;
  using Layout = TileLayout<T, Shape>;
  using Rows = typename Multiplier::Rows;

  __device__ Tile(const TileArguments<T>& arguments, Memory& memory)
      : arguments_(arguments),
        size_(arguments.size),
        plan_(arguments.plan),
        memory_(memory),
        thread_(static_cast<int>(threadIdx.x)),
        pixels_(static_cast<unsigned>(size_.images * size_.out_area())) {
    const auto tiles = static_cast<unsigned>(arguments.column_tiles * size_.groups);
    const auto tile = static_cast<int>(blockIdx.x % tiles);
    pixel0_ = blockIdx.x / tiles * kPixels;
    group_ = tile / arguments.column_tiles;
    column0_ = tile % arguments.column_tiles * kColumns;
  }

  __device__ void run() {
    remember_outputs();
    if (kScaled) find_exponents();
    sums_.clear();
    const int begin = static_cast<int>(blockIdx.y) * arguments_.share;
    const int end = min(begin + arguments_.share, plan_.portions());
    for (int portion = begin; portion < end;) {
      const int chunk = portion % plan_.chunks, round = portion / plan_.chunks % plan_.rounds;
      const int slice = group_ * plan_.group_slices + portion / plan_.chunks / plan_.rounds;
      const int chunks = min(plan_.chunks - chunk, end - portion);
      const int tap0 = round * kRoundTaps, taps = min(size_.taps() - tap0, kRoundTaps);
      __syncthreads();
      find_places(slice, tap0, taps);
      __syncthreads();
      multiply_round({slice, chunk, tap0, taps, chunks * taps});
      portion += chunks;
    }
    __syncthreads();
    write();
  }

 private:
  static constexpr int kPixels = Shape::kPixels, kColumns = Shape::kColumns;
  static constexpr bool kScaled = Multiplier::kForm == Form::kPairs;
  static constexpr int kVector = kVectorBytes / static_cast<int>(sizeof(T));
  static constexpr int kPixelVectors = kDepthBytes / kVectorBytes;  // of a pixel in a step
  static constexpr int kOwn = kPixels * kPixelVectors / kThreads;   // of them of a thread

  // Steps through `chunks` chunks of a slice, each with the same taps.
  struct Round {
    int slice, chunk, tap0, taps, steps;
  };

  // Where in a round something stands: its tap, and its first factor.
  struct Cursor {
    int tap;
    const T* from;
    __device__ void advance(int taps, std::int64_t along, std::int64_t to_next_chunk) {
      from += along;
      if (++tap == taps) {
        tap = 0;
        from += to_next_chunk;
      }
    }
  };

  __device__ int own_pixel(int own) const {
    return thread_ / kPixelVectors + own * (kThreads / kPixelVectors);
  }
  __device__ int own_channel() const { return thread_ % kPixelVectors * kVector; }

  __device__ void remember_outputs() {
    if (thread_ >= kPixels) return;
    const unsigned index = pixel0_ + static_cast<unsigned>(thread_);
    const Pixel pixel(index < pixels_ ? index : 0u, size_);
    std::int64_t place = pixel.image * size_.out_channels * size_.out_area() + pixel.place;
    if (arguments_.splits > 1) place = index;
    memory_.outputs[thread_] = index < pixels_ ? place : -1;
  }

  // One power of two for all that is sampled for a pixel, from the largest value of its image and
  // the largest of its masks.
  __device__ void find_exponents() {
    auto* const masks = reinterpret_cast<unsigned*>(memory_.exponents);
    if (thread_ < kPixels) masks[thread_] = arguments_.tensors.mask == nullptr ? kOne : 0u;
    __syncthreads();
    const unsigned index = pixel0_ + static_cast<unsigned>(thread_ % kPixels);
    const bool there = index < pixels_;
    const Pixel pixel(there ? index : 0u, size_);
    const int places = size_.deform_groups * size_.taps();
    if (there && arguments_.tensors.mask != nullptr) {
      const T* const mask =
          arguments_.tensors.mask + pixel.image * places * size_.out_area() + pixel.place;
      unsigned largest = 0;
      for (int place = thread_ / kPixels; place < places; place += kThreads / kPixels)
        largest = max(largest, magnitude(mask[place * size_.out_area()]));
      atomicMax(masks + thread_ % kPixels, largest);
    }
    __syncthreads();
    if (thread_ < kPixels)
      memory_.exponents[thread_] = exponent_for(arguments_.largest[pixel.image], masks[thread_]);
    __syncthreads();
  }

  // Neighbouring threads take neighbouring pixels, so that offsets and masks are read in order.
  __device__ void find_places(int slice, int tap0, int taps) {
    const int part = slice * plan_.slice / (static_cast<int>(size_.channels) / size_.deform_groups);
    const unsigned index = pixel0_ + static_cast<unsigned>(thread_ % kPixels);
    const bool there = index < pixels_;
    const Pixel pixel(there ? index : 0u, size_);
    for (int place = thread_; place < taps * kPixels; place += kThreads) {
      Corners found{0, make_float4(0.0f, 0.0f, 0.0f, 0.0f)};
      const float factor = kScaled ? power_of_two(memory_.exponents[thread_ % kPixels]) : 1.0f;
      if (there) {
        found = corners_of(arguments_.tensors, size_, pixel, part, tap0 + place / kPixels, factor);
      }
      memory_.shares[place] = found.shares;
      memory_.corners[place] = corners_in_vectors(found, pixel.image);
    }
  }

  // What has no share is the pixel of zeros.
  __device__ int4 corners_in_vectors(const Corners& found, std::int64_t image) const {
    const int row = plan_.row() / kVector;
    const int zeros = static_cast<int>(size_.images * size_.area()) * row;
    const int first = (static_cast<int>(image * size_.area()) + found.first) * row;
    const int below = first + static_cast<int>(size_.width) * row;
    return make_int4(
        found.shares.x != 0.0f ? first : zeros, found.shares.y != 0.0f ? first + row : zeros,
        found.shares.z != 0.0f ? below : zeros, found.shares.w != 0.0f ? below + row : zeros);
  }

  __device__ void multiply_round(const Round& round) {
    Cursor brought{0, first_weights(round)}, sampled{0, first_channels(round)};
    int tap = 0, stage = 0, ahead = Shape::kStages - 1;
    for (int step = 0; step < Shape::kStages - 1; ++step) {
      if (step < round.steps) bring(step, round, brought);
      __pipeline_commit();
    }
    Sample<T> samples[kOwn];
    const auto next = [&] {
      tap = sampled.tap;
      sample(round, sampled, samples);
    };
    next();
    put(0, tap, samples);
    for (int step = 0; step < round.steps; ++step) {
      __pipeline_wait_prior(Shape::kStages - 2);
      __syncthreads();
      if (step + Shape::kStages - 1 < round.steps) bring(ahead, round, brought);
      __pipeline_commit();
      const int buffer = step % 2;
      if (step + 1 < round.steps) next();
      sums_.multiply(memory_.buffers.pixels[buffer], memory_.buffers.weights[stage]);
      if (step + 1 < round.steps) put(buffer ^ 1, tap, samples);
      ahead = stage;
      stage = stage + 1 == Shape::kStages ? 0 : stage + 1;
    }
  }

  __device__ const T* first_weights(const Round& round) const {
    const std::int64_t chunk = std::int64_t{round.slice} * plan_.chunks + round.chunk;
    const std::int64_t row = (chunk * size_.taps() + round.tap0) * plan_.packed_out + column0_;
    return arguments_.packed + row * Layout::kDepth + thread_ * kVector;
  }
  __device__ const T* first_channels(const Round& round) const {
    return arguments_.turned + round.slice * plan_.padded() + round.chunk * Layout::kDepth +
           own_channel();
  }

  // Sends for the weights of a step.
  __device__ void bring(int stage, const Round& round, Cursor& at) {
    auto* const to = reinterpret_cast<unsigned char*>(memory_.buffers.weights[stage]) +
                     Rows::place(own_pixel(0), thread_ % kPixelVectors);
#pragma unroll
    for (int own = 0; own < kColumns * kPixelVectors / kThreads; ++own) {
      __pipeline_memcpy_async(to + own * (kThreads / kPixelVectors) * Rows::kBytes,
                              at.from + own * kThreads * kVector, kVectorBytes);
    }
    const std::int64_t step = std::int64_t{plan_.packed_out} * Layout::kDepth;
    at.advance(round.taps, step, step * (size_.taps() - round.taps));
  }

  // Sends for the corners of a step.
  __device__ void sample(const Round& round, Cursor& at, Sample<T> (&samples)[kOwn]) {
#pragma unroll
    for (int own = 0; own < kOwn; ++own)
      samples[own].read(at.from, memory_.corners[at.tap * kPixels + own_pixel(own)]);
    at.advance(round.taps, 0, Layout::kDepth);
  }

  __device__ void put(int buffer, int tap, const Sample<T> (&samples)[kOwn]) {
#pragma unroll
    for (int own = 0; own < kOwn; ++own) {
      const Vector<T> blended = samples[own].blend(memory_.shares[tap * kPixels + own_pixel(own)]);
      auto* const to = reinterpret_cast<unsigned char*>(memory_.buffers.pixels[buffer]) +
                       own * (kThreads / kPixelVectors) * Rows::kBytes;
      store<Multiplier::kForm>([&](int vector) { return to + Rows::place(own_pixel(0), vector); },
                               thread_ % kPixelVectors, 0, blended);
    }
  }

  // A sum without the powers of two.
  __device__ float whole(int pixel, std::int64_t out, float sum) const {
    return kScaled ? unscaled(sum, memory_.exponents[pixel] + arguments_.exponents[out]) : sum;
  }

  __device__ void write() {
    const int left = plan_.group_out - column0_;
    const std::int64_t first = std::int64_t{group_} * plan_.group_out + column0_;
    if (arguments_.splits > 1) {
      float* const parts =
          arguments_.parts + (blockIdx.y * size_.out_channels + first) * std::int64_t{pixels_};
      sums_.give(memory_.staging, [&](int pixel, int column, float sum) {
        const std::int64_t output = memory_.outputs[pixel];
        if (output >= 0 && column < left)
          parts[output + column * std::int64_t{pixels_}] = whole(pixel, first + column, sum);
      });
      return;
    }
    const T* const bias = arguments_.tensors.bias;
    T* const y = arguments_.tensors.y + first * size_.out_area();
    sums_.give(memory_.staging, [&](int pixel, int column, float sum) {
      const std::int64_t output = memory_.outputs[pixel];
      if (output < 0 || column >= left) return;
      float total = whole(pixel, first + column, sum);
      if (bias != nullptr) total += static_cast<float>(bias[first + column]);
      y[output + column * size_.out_area()] = static_cast<T>(total);
    });
  }

  const TileArguments<T>& arguments_;
  const DeformConvSize& size_;
  const Plan& plan_;
  Memory& memory_;
  const int thread_;
  const unsigned pixels_;
  unsigned pixel0_;
  int group_, column0_;
  Multiplier sums_;
};

template <typename T, typename Way, typename Shape>
__global__ void __launch_bounds__(kThreads, Shape::kBlocks)
    deform_conv_tiles(const TileArguments<T> arguments) {
  using Multiplier = typename Way::template Multiplier<Shape>;
  Tile<T, Multiplier, Shape>(arguments, *dynamic_shared<TileMemory<T, Shape>>()).run();
}

}  // namespace deform_conv_detail
}  // namespace farm
