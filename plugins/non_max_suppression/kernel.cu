#include <algorithm>
#include <limits>
#include <utility>

#include "common/launch.cuh"
#include "kernel.hpp"
#include "overlaps.cuh"
#include "places.cuh"
#include "sort.cuh"
#include "sweep.cuh"

namespace farm {
namespace {

bool fits(std::int64_t blocks) { return blocks <= std::numeric_limits<int>::max(); }

Launch blocks_of(std::int64_t blocks, int threads, std::size_t shared_bytes, cudaStream_t stream) {
  return {dim3(static_cast<unsigned>(blocks)), dim3(static_cast<unsigned>(threads)), shared_bytes,
          stream};
}

// Blocks that give each box of each segment a thread, and how many of them a segment has.
unsigned blocks_each(const NonMaxSuppression& how) {
  return static_cast<unsigned>(ceil_div(how.boxes, kThreads));
}

// Sorts all segments; `places.keys` is what is sorted in the end.
template <typename T>
cudaError_t sort(const NonMaxSuppression& how, const T* scores, Places& places,
                 cudaStream_t stream) {
  const std::int64_t runs = ceil_div<std::int64_t>(how.boxes, kRun) * places.segments;
  const std::int64_t blocks = std::int64_t{blocks_each(how)} * places.segments;
  if (!fits(runs) || !fits(blocks)) return cudaErrorInvalidValue;
  cudaError_t status =
      launch(sort_runs<T>, blocks_of(runs, kSortThreads, 0, stream), how, scores, places.keys);
  for (std::int64_t length = kRun; length < how.boxes && status == cudaSuccess; length *= 2) {
    status = launch(merge_runs, blocks_of(blocks, kThreads, 0, stream), how.boxes, blocks_each(how),
                    static_cast<int>(length), places.keys, places.sorting);
    std::swap(places.keys, places.sorting);
  }
  return status;
}

// Compares the boxes of one window with all later ones, and decides them.
cudaError_t decide(const NonMaxSuppression& how, const Places& places, int start,
                   cudaStream_t stream) {
  const int first_tile = start / kTile;
  const int row_tiles = std::min(places.window / kTile, places.words - first_tile);
  const int column_groups =
      ceil_div(places.words - first_tile / kTilesAtOnce * kTilesAtOnce, kTilesAtOnce);
  const std::int64_t blocks =
      static_cast<std::int64_t>(row_tiles) * column_groups * places.segments;
  if (!fits(blocks)) return cudaErrorInvalidValue;
  const cudaError_t status = launch(find_overlaps, blocks_of(blocks, kOverlapThreads, 0, stream),
                                    how, places, start, row_tiles, column_groups);
  if (status != cudaSuccess) return status;
  const bool last = first_tile + row_tiles >= places.words;
  const std::size_t shared_bytes = static_cast<std::size_t>(places.words) * sizeof(Bits);
  return launch(sweep, blocks_of(places.segments, kSweepThreads, shared_bytes, stream), how, places,
                start, last);
}

// Sort, order, compare and decide, write: a fixed number of launches for given sizes.
template <typename T>
cudaError_t dispatch(const NonMaxSuppression& how, const T* boxes, const T* scores,
                     std::int32_t* output, void* workspace, cudaStream_t stream) {
  const std::int64_t segments = static_cast<std::int64_t>(how.images) * how.classes;
  if (segments == 0 || how.boxes == 0) return cudaSuccess;
  if (!fits(segments) || how.most < 1 || how.most > how.boxes) return cudaErrorInvalidValue;
  Pieces pieces(workspace);
  Places places = places_in(how, pieces);
  cudaError_t status = sort(how, scores, places, stream);
  if (status != cudaSuccess) return status;
  status = launch(order_boxes<T>, blocks_of(blocks_each(how) * segments, kThreads, 0, stream), how,
                  blocks_each(how), boxes, places);
  for (std::int64_t start = 0; start < how.boxes && status == cudaSuccess; start += places.window) {
    status = decide(how, places, static_cast<int>(start), stream);
  }
  if (status != cudaSuccess) return status;
  return launch(write_rows, blocks_of(segments, kThreads, 0, stream), how, places, output);
}

}  // namespace

std::size_t non_max_suppression_workspace_bytes(const NonMaxSuppression& how) {
  Pieces pieces(nullptr);
  places_in(how, pieces);
  return pieces.bytes();
}

cudaError_t non_max_suppression(const NonMaxSuppression& how, const float* boxes,
                                const float* scores, std::int32_t* output, void* workspace,
                                cudaStream_t stream) {
  return dispatch(how, boxes, scores, output, workspace, stream);
}

cudaError_t non_max_suppression(const NonMaxSuppression& how, const __half* boxes,
                                const __half* scores, std::int32_t* output, void* workspace,
                                cudaStream_t stream) {
  return dispatch(how, boxes, scores, output, workspace, stream);
}

}  // namespace farm
