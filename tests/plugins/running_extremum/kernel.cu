// The scans with limits of the caller, so that small tensors go the ways of large ones, too.
#include "common/running_extremum.cuh"

namespace {

namespace scans = farm::running_extremum;

template <typename T>
cudaError_t run(T const* input, T* values, std::int32_t* places, scans::Shape const& shape, bool legacy,
                void* workspace, cudaStream_t stream) {
  return legacy ? scans::run<scans::FirstOfEquals<true>>(input, values, places, shape, workspace, stream)
                : scans::run<scans::LastOfEquals<true>>(input, values, places, shape, workspace, stream);
}

}  // namespace

extern "C" {

std::int64_t scan_workspace(std::int64_t outer, std::int64_t length, std::int64_t inner, std::int64_t many_rows,
                            std::int64_t many_columns) {
  return static_cast<std::int64_t>(scans::workspace_bytes({outer, length, inner, many_rows, many_columns}));
}

std::int64_t scan_needs(std::int64_t outer, std::int64_t length, std::int64_t inner, std::int64_t many_rows,
                        std::int64_t many_columns) {
  return static_cast<std::int64_t>(scans::needed_bytes({outer, length, inner, many_rows, many_columns}));
}

cudaError_t scan_float32(float const* input, float* values, std::int32_t* places, void* workspace,
                         std::int64_t outer, std::int64_t length, std::int64_t inner, std::int64_t many_rows,
                         std::int64_t many_columns, std::int64_t legacy, cudaStream_t stream) {
  return run(input, values, places, {outer, length, inner, many_rows, many_columns}, legacy != 0, workspace, stream);
}

cudaError_t scan_float16(__half const* input, __half* values, std::int32_t* places, void* workspace,
                         std::int64_t outer, std::int64_t length, std::int64_t inner, std::int64_t many_rows,
                         std::int64_t many_columns, std::int64_t legacy, cudaStream_t stream) {
  return run(input, values, places, {outer, length, inner, many_rows, many_columns}, legacy != 0, workspace, stream);
}
}
