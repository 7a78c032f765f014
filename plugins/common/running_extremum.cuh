// The running maximum or minimum along one axis, with the place of each: which kernel for which
// shape.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "launch.cuh"
#include "running_extremum/columns.cuh"
#include "running_extremum/ranked_rows.cuh"
#include "running_extremum/rows.cuh"

namespace farm::running_extremum {

// Rows up to this are a warp's: half of a block's tile would be empty.
constexpr int kShortRow = kRowTile / 2;
// From here on a block or a thread each is enough to fill a card, so nobody has to wait for
// another.
constexpr std::int64_t kManyRows = 512;
constexpr std::int64_t kManyColumns = 131072;
constexpr std::int64_t kMostBlocks = std::numeric_limits<std::int32_t>::max();
// So that no position in the last tile passes 2^31.
constexpr std::int64_t kLongestAxis = std::numeric_limits<std::int32_t>::max() - 65536;

struct Shape {
  std::int64_t outer;
  std::int64_t length;
  std::int64_t inner;
  std::int64_t many_rows = kManyRows;
  std::int64_t many_columns = kManyColumns;

  bool empty() const { return outer == 0 || length == 0 || inner == 0; }
  // Rows that do not begin at multiples of a pack reach up to three positions further.
  int reach() const { return static_cast<int>(length) + (length % kPack == 0 ? 0 : kPack - 1); }
  int row_tiles() const { return ceil_div(reach(), kRowTile); }
  bool long_rows() const { return inner == 1 && outer < many_rows && row_tiles() > 1; }
  int wide() const { return inner % 2 == 0 ? 2 : 1; }
  // A thread that walks alone takes more side by side: it waits for nobody, and loads are longer.
  int walked_wide() const { return inner % 4 == 0 ? 4 : wide(); }
  Tiling tiling() const {
    Tiling tiling{1, 0, 0};
    while (tiling.lanes < 32 && tiling.lanes * wide() < inner) {
      tiling.lanes *= 2;
    }
    tiling.strips = static_cast<int>(ceil_div<std::int64_t>(inner, tiling.lanes * wide()));
    tiling.tiles = static_cast<int>(ceil_div<std::int64_t>(length, tiling.rows()));
    return tiling;
  }
  bool few_columns() const { return inner > 1 && outer * inner < many_columns; }
};

// A ticket and the words of all tiles; 0 where no tile waits for another.
inline std::size_t needed_bytes(Shape const& shape) {
  std::int64_t words = 0;
  if (!shape.empty() && shape.long_rows()) {
    words = shape.outer * shape.row_tiles();
  } else if (!shape.empty() && shape.few_columns() && shape.tiling().tiles > 1) {
    Tiling const tiling = shape.tiling();
    words = shape.outer * tiling.strips * tiling.tiles * tiling.lanes * shape.wide();
  }
  return words == 0 ? 0 : kTicketBytes + static_cast<std::size_t>(words) * sizeof(Word);
}

// At least what any shape needs that is nowhere larger: TensorRT asks with the largest there will
// be, and of fewer rows or columns tiles wait that did not wait before.
inline std::size_t workspace_bytes(Shape const& shape) {
  // Tiles round the columns up to less than twice as many, and are never shorter than this.
  constexpr std::int64_t kShortestTile = kThreads / 32 * kSegment;
  std::int64_t const rows = std::min(shape.outer, shape.many_rows);
  std::int64_t const columns = std::min(shape.outer * shape.inner, shape.many_columns);
  std::int64_t const of_rows = shape.row_tiles() > 1 ? rows * shape.row_tiles() : 0;
  std::int64_t const of_columns = shape.inner > 1 && shape.length > kShortestTile
                                      ? 2 * columns * ceil_div(shape.length, kShortestTile)
                                      : 0;
  std::int64_t const words = std::max(of_rows, of_columns);
  return words == 0 ? 0 : kTicketBytes + static_cast<std::size_t>(words) * sizeof(Word);
}

namespace detail {

inline dim3 blocks(std::int64_t count) {
  return dim3(static_cast<unsigned>(std::min(count, kMostBlocks)));
}

// The kernels of rows that blocks walk.
template <typename Order, typename T>
struct Rows {
  static constexpr auto* many = scan_rows<Order, T>;
  static constexpr auto* few = scan_long_rows<Order, T>;
};

// Of halves five blocks fit on a multiprocessor, of 48 registers.
template <bool kMaximum>
struct Rows<LastOfEquals<kMaximum>, __half> {
  static constexpr auto* many = scan_ranked_rows<kMaximum, kChunks, 5>;
  static constexpr auto* few = scan_long_ranked_rows<kMaximum, kChunks, 5>;
};

template <typename Order, typename T>
cudaError_t run_rows(T const* input, T* values, std::int32_t* places, Shape const& shape,
                     void* workspace, cudaStream_t stream) {
  int const length = static_cast<int>(shape.length);
  if (length <= kShortRow) {
    int width = 1;
    while (width < 32 && width * kPack < shape.reach()) {
      width *= 2;
    }
    std::int64_t const count = ceil_div<std::int64_t>(shape.outer, kThreads / width);
    if (count > kMostBlocks) {
      return cudaErrorInvalidValue;
    }
    return launch(scan_short_rows<Order, T>, Launch{blocks(count), dim3(kThreads), 0, stream},
                  input, values, places, shape.outer, length, shape.reach(), width);
  }
  if (!shape.long_rows()) {
    return launch(Rows<Order, T>::many, Launch{blocks(shape.outer), dim3(kThreads), 0, stream},
                  input, values, places, shape.outer, length, shape.row_tiles());
  }
  return launch(Rows<Order, T>::few,
                Launch{blocks(shape.outer * shape.row_tiles()), dim3(kThreads), 0, stream}, input,
                values, places, static_cast<int>(shape.outer), length, shape.row_tiles(),
                static_cast<unsigned*>(workspace),
                reinterpret_cast<Word*>(static_cast<unsigned char*>(workspace) + kTicketBytes));
}

inline Columns columns_of(Shape const& shape) {
  return {shape.outer, static_cast<int>(shape.length), shape.inner};
}

template <typename Order, typename T, int kWide>
cudaError_t run_many_columns(T const* input, T* values, std::int32_t* places, Shape const& shape,
                             cudaStream_t stream) {
  std::int64_t const count = ceil_div<std::int64_t>(shape.outer * shape.inner / kWide, kThreads);
  return launch(walk_columns<Order, T, kWide>, Launch{blocks(count), dim3(kThreads), 0, stream},
                input, values, places, columns_of(shape));
}

template <typename Order, typename T, int kWide>
cudaError_t run_few_columns(T const* input, T* values, std::int32_t* places, Shape const& shape,
                            void* workspace, cudaStream_t stream) {
  Tiling const tiling = shape.tiling();
  std::int64_t const count = shape.outer * tiling.strips * tiling.tiles;
  unsigned char* const bytes = static_cast<unsigned char*>(workspace);
  return launch(scan_columns<Order, T, kWide>, Launch{blocks(count), dim3(kThreads), 0, stream},
                input, values, places, columns_of(shape), tiling,
                reinterpret_cast<unsigned*>(bytes),
                bytes == nullptr ? nullptr : reinterpret_cast<Word*>(bytes + kTicketBytes));
}

}  // namespace detail

// Writes values and places of [outer, length, inner] in the given order of candidates. `workspace`
// holds `workspace_bytes` of this shape or a larger one; what tiles publish there is cleared on the
// stream first, so that the same launches run again in a CUDA graph.
template <typename Order, typename T>
cudaError_t run(T const* input, T* values, std::int32_t* places, Shape const& shape,
                void* workspace, cudaStream_t stream) {
  if (shape.empty()) {
    return cudaSuccess;
  }
  if (shape.length > kLongestAxis) {
    return cudaErrorInvalidValue;
  }
  std::size_t const bytes = needed_bytes(shape);
  if (bytes > 0) {
    if (workspace == nullptr || bytes / sizeof(Word) > static_cast<std::size_t>(kMostBlocks)) {
      return cudaErrorInvalidValue;
    }
    cudaError_t const status = cudaMemsetAsync(workspace, 0, bytes, stream);
    if (status != cudaSuccess) {
      return status;
    }
  }
  if (shape.inner == 1) {
    return detail::run_rows<Order>(input, values, places, shape, workspace, stream);
  }
  if (shape.few_columns()) {
    using detail::run_few_columns;
    return shape.wide() == 2
               ? run_few_columns<Order, T, 2>(input, values, places, shape, workspace, stream)
               : run_few_columns<Order, T, 1>(input, values, places, shape, workspace, stream);
  }
  switch (shape.walked_wide()) {
    case 4:
      return detail::run_many_columns<Order, T, 4>(input, values, places, shape, stream);
    case 2:
      return detail::run_many_columns<Order, T, 2>(input, values, places, shape, stream);
    default:
      return detail::run_many_columns<Order, T, 1>(input, values, places, shape, stream);
  }
}

// The same for a maximum or a minimum: the first of equals with `legacy`, else PyTorch's order.
template <bool kMaximum, typename T>
cudaError_t in_order(T const* input, T* values, std::int32_t* places, Shape const& shape,
                     bool legacy, void* workspace, cudaStream_t stream) {
  return legacy ? run<FirstOfEquals<kMaximum>>(input, values, places, shape, workspace, stream)
                : run<LastOfEquals<kMaximum>>(input, values, places, shape, workspace, stream);
}

}  // namespace farm::running_extremum
