// The scans with limits of the caller, so that small tensors go the ways of large ones, too.
#include "common/running_extremum.cuh"

namespace {

namespace scans = farm::running_extremum;

// What a tile of a hundred elements learns of those before it: by a warp, and by one thread.
__global__ void look_back(scans::Word const* words, int tile, float* values, std::int32_t* places) {
  using Order = scans::LastOfEquals<true>;
  scans::Best<float> const by_warp = scans::best_before_by_warp<Order, float>(words, tile, 100, 0);
  if (threadIdx.x == 0) {
    scans::Best<float> const alone = scans::best_before<Order, float>(words, 1, tile, 100);
    values[0] = by_warp.value;
    values[1] = alone.value;
    places[0] = by_warp.place;
    places[1] = alone.place;
  }
}

}  // namespace

extern "C" {

cudaError_t look_back_at(scans::Word const* words, std::int64_t tile, float* values, std::int32_t* places,
                         cudaStream_t stream) {
  return farm::launch(look_back, farm::Launch{dim3(1), dim3(32), 0, stream}, words, static_cast<int>(tile), values,
                      places);
}

std::int64_t workspace_bytes(std::int64_t outer, std::int64_t length, std::int64_t inner, std::int64_t many_rows,
                             std::int64_t many_columns) {
  return static_cast<std::int64_t>(scans::workspace_bytes({outer, length, inner, many_rows, many_columns}));
}

std::int64_t needed_bytes(std::int64_t outer, std::int64_t length, std::int64_t inner, std::int64_t many_rows,
                          std::int64_t many_columns) {
  return static_cast<std::int64_t>(scans::needed_bytes({outer, length, inner, many_rows, many_columns}));
}

cudaError_t run_float(float const* input, float* values, std::int32_t* places, void* workspace, std::int64_t outer,
                      std::int64_t length, std::int64_t inner, std::int64_t many_rows, std::int64_t many_columns,
                      std::int64_t legacy, cudaStream_t stream) {
  return scans::in_order<true>(input, values, places, {outer, length, inner, many_rows, many_columns}, legacy != 0,
                               workspace, stream);
}

cudaError_t run_half(__half const* input, __half* values, std::int32_t* places, void* workspace, std::int64_t outer,
                     std::int64_t length, std::int64_t inner, std::int64_t many_rows, std::int64_t many_columns,
                     std::int64_t legacy, cudaStream_t stream) {
  return scans::in_order<true>(input, values, places, {outer, length, inner, many_rows, many_columns}, legacy != 0,
                               workspace, stream);
}
}
