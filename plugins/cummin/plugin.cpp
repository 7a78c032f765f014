// The running minimum along one axis, for TensorRT.

#include "common/export.hpp"
#include "common/running_extremum/glue.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

struct Cummin : RunningExtremumGlue {
  static constexpr char kName[] = "cummin";

  std::size_t workspace(const Tensors& inputs, const Tensors&) const {
    return workspace_by(inputs, cummin_workspace_bytes);
  }

  cudaError_t enqueue(const Call& call) const {
    return enqueue_by(call, [](auto... arguments) { return cummin(arguments...); });
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::Cummin)
