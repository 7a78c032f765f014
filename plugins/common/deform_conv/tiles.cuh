// The convolution as a product of matrices whose left side is sampled when it is needed, and never
// written to memory.
//
// A block makes 64 pixels by kColumns output channels of one group. Step after step it samples 64
// pixels by 64 bytes of channels (each thread one vector of four corners) into shared memory,
// brings the weights' rows for the same channels and tap beside it, and multiplies the two. Places
// are found once for each pixel, tap and deform group, nine taps at a time, and serve all channels;
// the taps of the same channels follow each other, so that corners that neighbouring taps share are
// in the L1 cache. Two buffers: while the one is multiplied, the corners for the other are on their
// way.
//
// Shared memory at 256 columns: places 11.5 KiB, pixels 2 x 5 KiB, weights 2 x 16.5 KiB (float32
// the same), places of the outputs 0.5 KiB: 55.5 KiB, two blocks on an SM from 8.0 on, one on 7.5.
// Expected bound: tensor cores in float16 and TF32 together with the L2 cache (4.5 GB through it
// for 8x256x100x152 in float16); float units otherwise.
#pragma once

#include <cuda_pipeline.h>

#include "common/deform_conv/corners.cuh"
#include "common/deform_conv/tf32.cuh"
#include "common/shared.cuh"

namespace farm {
namespace deform_conv_detail {

template <typename T>
struct TileArguments {
  DeformConvTensors<T> tensors;
  DeformConvSize size;
  Plan plan;
  const T* turned;   // x with channels last
  const T* packed;   // weights
  int column_tiles;  // of a group
};

template <typename T, int kColumns>
struct alignas(32) TileMemory {
  using Layout = TileLayout<T, kColumns>;

  struct alignas(32) Buffers {
    alignas(32) T pixels[2][Layout::kPixelTile];
    alignas(32) T weights[2][Layout::kWeightTile];
  };
  union {
    Buffers buffers;
    float staging[kStagingFloats];  // once all is multiplied
  };
  float4 shares[kRoundTaps * kPixels];
  int first[kRoundTaps * kPixels];
  std::int64_t
      outputs[kPixels];  // where the first output channel of a pixel goes; -1 behind the last pixel
};

template <typename T, typename Multiplier, int kColumns>
class Tile {
 public:
  using Memory = TileMemory<T, kColumns>;
  using Layout = typename Multiplier::Layout;

  __device__ Tile(const TileArguments<T>& arguments, Memory& memory)
      : arguments_(arguments),
        size_(arguments.size),
        plan_(arguments.plan),
        memory_(memory),
        thread_(static_cast<int>(threadIdx.x)),
        pixels_(size_.images * size_.out_area()) {
    const int tiles = arguments.column_tiles * size_.groups;
    const int tile = static_cast<int>(blockIdx.x % static_cast<unsigned>(tiles));
    pixel0_ = std::int64_t{blockIdx.x / static_cast<unsigned>(tiles)} * kPixels;
    group_ = tile / arguments.column_tiles;
    column0_ = tile % arguments.column_tiles * kColumns;
    const std::int64_t own = pixel0_ + thread_ / 4;
    const std::int64_t image = own < pixels_ ? own / size_.out_area() : 0;
    image_ = arguments.turned + image * size_.area() * plan_.row();
  }

  __device__ void run() {
    remember_outputs();
    sums_.clear();
    for (int slice = group_ * plan_.group_slices; slice < (group_ + 1) * plan_.group_slices;
         ++slice) {
      const int part =
          static_cast<int>(slice * plan_.slice / (size_.channels / size_.deform_groups));
      for (int tap0 = 0; tap0 < size_.taps(); tap0 += kRoundTaps) {
        const int taps = size_.taps() - tap0 < kRoundTaps ? size_.taps() - tap0 : kRoundTaps;
        __syncthreads();
        find_places(part, tap0, taps);
        __syncthreads();
        multiply_round(slice, tap0, taps);
      }
    }
    __syncthreads();
    write();
  }

 private:
  __device__ void remember_outputs() {
    if (thread_ >= kPixels) return;
    const std::int64_t pixel = pixel0_ + thread_, area = size_.out_area();
    memory_.outputs[thread_] = pixel < pixels_
                                   ? pixel / area * size_.out_channels * area + pixel % area
                                   : std::int64_t{-1};
  }

  // Neighbouring threads take neighbouring pixels, so that offsets and masks are read in order.
  __device__ void find_places(int part, int tap0, int taps) {
    const std::int64_t index = pixel0_ + thread_ % kPixels;
    const bool there = index < pixels_;
    const Pixel pixel(there ? index : 0, size_);
    for (int place = thread_; place < taps * kPixels; place += kThreads) {
      Corners found{0, make_float4(0.0f, 0.0f, 0.0f, 0.0f)};
      if (there) found = corners_of(arguments_.tensors, size_, pixel, part, tap0 + place / kPixels);
      memory_.shares[place] = found.shares;
      memory_.first[place] = found.first;
    }
  }

  __device__ void multiply_round(int slice, int tap0, int taps) {
    const int steps = plan_.chunks * taps;
    int chunk = 0, tap = 0;
    Sample<T> sample;
    fetch(0, slice, chunk, tap0, tap, sample);
    put(0, tap, sample);
    for (int step = 0; step < steps; ++step) {
      __pipeline_wait_prior(0);
      __syncthreads();
      const bool more = step + 1 < steps;
      if (more) {
        if (++tap == taps) {
          tap = 0;
          ++chunk;
        }
        fetch((step + 1) % 2, slice, chunk, tap0, tap, sample);
      }
      sums_.multiply(memory_.buffers.pixels[step % 2], memory_.buffers.weights[step % 2]);
      if (more) put((step + 1) % 2, tap, sample);
    }
  }

  // Sends for the weights and the corners of a step.
  __device__ void fetch(int buffer, int slice, int chunk, int tap0, int tap, Sample<T>& sample) {
    constexpr int kVector = kVectorBytes / static_cast<int>(sizeof(T));
    constexpr int kRowVectors = kColumns / kVector;
    const std::int64_t row =
        ((std::int64_t{slice} * plan_.chunks + chunk) * size_.taps() + tap0 + tap) * Layout::kDepth;
    const T* const from = arguments_.packed + row * plan_.packed_out + column0_;
#pragma unroll
    for (int vector = thread_; vector < Layout::kDepth * kRowVectors; vector += kThreads) {
      const int depth = vector / kRowVectors, column = vector % kRowVectors * kVector;
      __pipeline_memcpy_async(&memory_.buffers.weights[buffer][depth * Layout::kWeightRow + column],
                              from + std::int64_t{depth} * plan_.packed_out + column, kVectorBytes);
    }
    __pipeline_commit();
    const int channel = chunk * Layout::kDepth + thread_ % 4 * kVector;
    Corners corners{0, make_float4(0.0f, 0.0f, 0.0f, 0.0f)};
    if (channel < plan_.padded)
      corners = {memory_.first[tap * kPixels + thread_ / 4],
                 memory_.shares[tap * kPixels + thread_ / 4]};
    sample.read(image_ + slice * plan_.padded + channel, corners, static_cast<int>(size_.width),
                plan_.row());
  }

  __device__ void put(int buffer, int tap, const Sample<T>& sample) {
    constexpr int kVector = kVectorBytes / static_cast<int>(sizeof(T));
    T* const to =
        &memory_.buffers.pixels[buffer][thread_ / 4 * Layout::kPixelRow + thread_ % 4 * kVector];
    *reinterpret_cast<Vector<T>*>(to) = sample.blend(memory_.shares[tap * kPixels + thread_ / 4]);
  }

  __device__ void write() {
    const int left = plan_.group_out - column0_;
    const std::int64_t first = std::int64_t{group_} * plan_.group_out + column0_,
                       area = size_.out_area();
    sums_.give(memory_.staging, [&](int pixel, int column, float sum) {
      const std::int64_t output = memory_.outputs[pixel];
      if (output < 0 || column >= left) return;
      const T* const bias = arguments_.tensors.bias;
      const float total = bias == nullptr ? sum : sum + static_cast<float>(bias[first + column]);
      arguments_.tensors.y[output + (first + column) * area] = static_cast<T>(total);
    });
  }

  const TileArguments<T>& arguments_;
  const DeformConvSize& size_;
  const Plan& plan_;
  Memory& memory_;
  const int thread_;
  const std::int64_t pixels_;
  std::int64_t pixel0_;
  int group_, column0_;
  const T* image_;  // of the pixel that this thread samples
  Multiplier sums_;
};

// `Way` names the multiplier; it is the same type for all SMs, so that the kernel has one name
// everywhere.
template <typename T, typename Way, int kColumns>
__global__ void __launch_bounds__(kThreads, 2) deform_conv_tiles(const TileArguments<T> arguments) {
  using Multiplier = typename Way::template Multiplier<kColumns>;
  Tile<T, Multiplier, kColumns>(arguments, *dynamic_shared<TileMemory<T, kColumns>>()).run();
}

}  // namespace deform_conv_detail
}  // namespace farm
