// The running maximum along one axis, for TensorRT.

#include "common/export.hpp"
#include "common/running_extremum/glue.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

struct Cummax : RunningExtremumGlue {
  static constexpr char kName[] = "cummax";

  std::size_t workspace(const Tensors& inputs, const Tensors&) const {
    return workspace_by(inputs, cummax_workspace_bytes);
  }

  cudaError_t enqueue(const Call& call) const {
    return enqueue_by(call, [](auto... arguments) { return cummax(arguments...); });
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::Cummax)
