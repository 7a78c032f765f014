// Multi-scale deformable attention.
//
// The channels of a head lie across a team of 4 to 32 lanes, 16 bytes each: 4 lanes for 32 channels
// of float16, 8 for 32 of float32. A team makes one output row. Each of its lanes finds the corners
// of one point (places and shares are read once, side by side, and no arithmetic is done twice),
// then all lanes read the corners of one point after the other, as the lane that found them says by
// shuffles: a corner is one 16-byte load of each lane, 64 to 512 bytes side by side. Sums stay in
// registers in float32; no shared memory, no workspace.
//
// A block takes one head of neighbouring queries (32 of float32, 64 of float16, with 32 channels),
// since those look at neighbouring pixels, which then are in the L1 cache; blocks of the other
// heads of the same queries follow at once. Where there are too few queries for that to fill the
// card, the teams of a warp share the points of one query.
//
// Expected bound: the caches. 51,000 queries, 8 heads of 32 channels and 16 points read 3.3 GB
// (float32) of corners out of L1 and L2, and move 0.18 GB through memory.
#include <limits>

#include "common/launch.cuh"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kThreads = 256;
constexpr int kWarp = 32;
constexpr unsigned kAll = 0xFFFFFFFFu;
constexpr int kVectorBytes = 16;

template <typename T, int kItems>
struct alignas(sizeof(T) * kItems) Vector {
  T items[kItems];
};

// The four pixels around a place: the first may lie outside; those that do have a share of zero and
// are not read.
struct Corners {
  std::int32_t first = 0;
  std::int32_t width = 0;
  float4 shares = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
};

// What counts nothing stays so, whatever the factor: pixels outside are never read.
__device__ float times(float share, float factor) { return share == 0.0f ? 0.0f : share * factor; }

template <typename T>
__device__ Corners corners_of(const MsDeformAttnTensors<T>& tensors, const MsDeformAttnSize& size,
                              std::int64_t row, int point) {
  const int level = point / size.points;
  const int height = tensors.sizes[2 * level], width = tensors.sizes[2 * level + 1],
            start = tensors.starts[level];
  const std::int64_t place = row * size.levels * size.points + point;
  const auto where = reinterpret_cast<const Vector<T, 2>*>(tensors.places)[place];
  const auto rows = static_cast<float>(height), columns = static_cast<float>(width);
  const float x = static_cast<float>(where.items[0]) * columns - 0.5f;
  const float y = static_cast<float>(where.items[1]) * rows - 0.5f;
  const bool held = start >= 0 && start + std::int64_t{height} * width <= size.pixels;
  Corners found;
  if (held && y > -1.0f && y < rows && x > -1.0f && x < columns) {  // false for NaN, too
    const float top = floorf(y), left = floorf(x),
                share = static_cast<float>(tensors.shares[place]);
    const int line = static_cast<int>(top), column = static_cast<int>(left);
    const float above = line >= 0 ? 1.0f - (y - top) : 0.0f;
    const float below = line + 1 < height ? y - top : 0.0f;
    const float before = column >= 0 ? 1.0f - (x - left) : 0.0f;
    const float behind = column + 1 < width ? x - left : 0.0f;
    found.first = start + line * width + column;
    found.width = width;
    found.shares = make_float4(times(above * before, share), times(above * behind, share),
                               times(below * before, share), times(below * behind, share));
  }
  return found;
}

// What one lane of the team found, in all its lanes.
template <int kLanes>
__device__ Corners from_lane(const Corners& mine, int lane) {
  Corners found;
  found.first = __shfl_sync(kAll, mine.first, lane, kLanes);
  found.width = __shfl_sync(kAll, mine.width, lane, kLanes);
  found.shares.x = __shfl_sync(kAll, mine.shares.x, lane, kLanes);
  found.shares.y = __shfl_sync(kAll, mine.shares.y, lane, kLanes);
  found.shares.z = __shfl_sync(kAll, mine.shares.z, lane, kLanes);
  found.shares.w = __shfl_sync(kAll, mine.shares.w, lane, kLanes);
  return found;
}

// What lies at a pixel, or zeros where it has no share. `channels` is those of this lane at pixel
// 0, and `step` leads to the next pixel.
template <typename T, int kItems>
__device__ Vector<T, kItems> read(const T* channels, std::int64_t pixel, std::int64_t step,
                                  float share) {
  Vector<T, kItems> found{};
  if (share != 0.0f) found = *reinterpret_cast<const Vector<T, kItems>*>(channels + pixel * step);
  return found;
}

// The sums of `kItems` channels, in float32.
template <typename T, int kItems>
struct Sums {
  float of[kItems] = {};

  // Adds what lies at a place. All four corners are on their way before the first is used.
  __device__ void add(const T* channels, const Corners& at, std::int64_t step) {
    const std::int64_t below = std::int64_t{at.first} + at.width;
    const auto a = read<T, kItems>(channels, at.first, step, at.shares.x);
    const auto b = read<T, kItems>(channels, std::int64_t{at.first} + 1, step, at.shares.y);
    const auto c = read<T, kItems>(channels, below, step, at.shares.z);
    const auto d = read<T, kItems>(channels, below + 1, step, at.shares.w);
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
      float sum = fmaf(at.shares.x, static_cast<float>(a.items[item]), of[item]);
      sum = fmaf(at.shares.y, static_cast<float>(b.items[item]), sum);
      sum = fmaf(at.shares.z, static_cast<float>(c.items[item]), sum);
      of[item] = fmaf(at.shares.w, static_cast<float>(d.items[item]), sum);
    }
  }

  // Adds up what teams of a warp have.
  template <int kLanes, int kTeams>
  __device__ void join() {
#pragma unroll
    for (int other = kLanes; other < kLanes * kTeams; other *= 2) {
#pragma unroll
      for (int item = 0; item < kItems; ++item) of[item] += __shfl_xor_sync(kAll, of[item], other);
    }
  }

  __device__ void write(T* to) const {
    Vector<T, kItems> made;
#pragma unroll
    for (int item = 0; item < kItems; ++item) made.items[item] = static_cast<T>(of[item]);
    *reinterpret_cast<Vector<T, kItems>*>(to) = made;
  }
};

// `kTeams` teams of `kLanes` lanes share the points of a row of `y`. All threads stay to the end,
// for the shuffles.
template <typename T, int kItems, int kLanes, int kTeams>
__global__ void __launch_bounds__(kThreads)
    attend(const MsDeformAttnTensors<T> tensors, const MsDeformAttnSize size, std::int64_t tiles,
           std::int64_t query_tiles) {
  constexpr int kRowThreads = kLanes * kTeams;
  const int thread = static_cast<int>(threadIdx.x), lane = thread % kLanes;
  const int points = size.levels * size.points;
  for (std::int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const std::int64_t head = tile % size.heads, image = tile / size.heads / query_tiles;
    const std::int64_t query =
        tile / size.heads % query_tiles * (kThreads / kRowThreads) + thread / kRowThreads;
    const std::int64_t row = (image * size.queries + query) * size.heads + head;
    const bool there = query < size.queries;
    const T* const value =
        tensors.value + (image * size.pixels * size.heads + head) * size.channels;
    const std::int64_t step = size.heads * size.channels;
    for (std::int64_t channel0 = 0; channel0 < size.channels; channel0 += kLanes * kItems) {
      const std::int64_t channel = channel0 + lane * kItems;
      const bool own = channel < size.channels;
      Sums<T, kItems> sums;
      for (int first = 0; first < points; first += kRowThreads) {
        const int point = first + thread % kRowThreads;
        Corners mine;
        if (there && point < points) mine = corners_of(tensors, size, row, point);
#pragma unroll(kLanes < 8 ? kLanes : 8)
        for (int other = 0; other < kLanes; ++other) {
          const Corners at = from_lane<kLanes>(mine, other);
          if (own) sums.add(value + channel, at, step);
        }
      }
      sums.template join<kLanes, kTeams>();
      if (there && own && thread % kRowThreads < kLanes)
        sums.write(tensors.y + row * size.channels + channel);
    }
  }
}

template <int kItems, int kLanes, int kTeams, typename T>
cudaError_t launch_attend(const MsDeformAttnSize& size, const MsDeformAttnTensors<T>& tensors,
                          cudaStream_t stream) {
  const std::int64_t query_tiles =
      ceil_div(size.queries, std::int64_t{kThreads / (kLanes * kTeams)});
  const std::int64_t tiles = size.images * size.heads * query_tiles;
  const std::int64_t most = std::numeric_limits<int>::max();
  const Launch shape{dim3(static_cast<unsigned>(tiles < most ? tiles : most)), dim3(kThreads), 0,
                     stream};
  return launch(attend<T, kItems, kLanes, kTeams>, shape, tensors, size, tiles, query_tiles);
}

// A row for each warp where a row for each team would leave an SM fewer than 1,024 threads.
template <int kItems, int kLanes, typename T>
cudaError_t choose_teams(const MsDeformAttnSize& size, const MsDeformAttnTensors<T>& tensors,
                         cudaStream_t stream) {
  int device = 0, processors = 0;
  cudaError_t status = cudaGetDevice(&device);
  if (status == cudaSuccess)
    status = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  if (status != cudaSuccess) return status;
  const std::int64_t threads = size.images * size.heads * size.queries * kLanes;
  return threads < std::int64_t{1024} * processors
             ? launch_attend<kItems, kLanes, kWarp / kLanes>(size, tensors, stream)
             : launch_attend<kItems, kLanes, 1>(size, tensors, stream);
}

template <int kItems, typename T>
cudaError_t choose_lanes(const MsDeformAttnSize& size, const MsDeformAttnTensors<T>& tensors,
                         cudaStream_t stream) {
  const std::int64_t vectors = size.channels / kItems;
  if (vectors <= 4) return choose_teams<kItems, 4>(size, tensors, stream);
  if (vectors <= 8) return choose_teams<kItems, 8>(size, tensors, stream);
  if (vectors <= 16) return choose_teams<kItems, 16>(size, tensors, stream);
  return choose_teams<kItems, kWarp>(size, tensors, stream);
}

// Vectors of 16 bytes where a head has whole ones, else a channel for each lane.
template <typename T>
cudaError_t run(const MsDeformAttnSize& size, const MsDeformAttnTensors<T>& tensors,
                cudaStream_t stream) {
  if (size.pixels > std::numeric_limits<std::int32_t>::max() || size.levels < 0 ||
      size.points < 0 || std::int64_t{size.levels} * size.points > (1 << 20)) {
    return cudaErrorInvalidValue;
  }
  if (size.images * size.queries * size.heads * size.channels == 0) return cudaSuccess;
  constexpr int kItems = kVectorBytes / static_cast<int>(sizeof(T));
  return size.channels % kItems == 0 ? choose_lanes<kItems>(size, tensors, stream)
                                     : choose_lanes<1>(size, tensors, stream);
}

}  // namespace

cudaError_t ms_deform_attn(const MsDeformAttnSize& size, const MsDeformAttnTensors<float>& tensors,
                           cudaStream_t stream) {
  return run(size, tensors, stream);
}

cudaError_t ms_deform_attn(const MsDeformAttnSize& size, const MsDeformAttnTensors<__half>& tensors,
                           cudaStream_t stream) {
  return run(size, tensors, stream);
}

}  // namespace farm
