// A copy of a tensor in which slices are replaced, for TensorRT.

#include <algorithm>

#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kData = 0;
constexpr int kIndices = 1;
constexpr int kUpdates = 2;

Scatter scatter_of(const Tensors& inputs) {
  const Tensor& data = inputs[kData];
  const Tensor& indices = inputs[kIndices];
  Scatter how = {};
  how.count = indices.count(0, indices.rank - 1);
  // The largest size that a profile allows may be more than any graph may have.
  how.depth = static_cast<int>(std::min<std::int64_t>(indices.dims[indices.rank - 1], data.rank));
  for (int axis = 0; axis < how.depth; ++axis) how.sizes[axis] = data.dims[axis];
  how.slice_bytes = data.count(how.depth, data.rank) *
                    static_cast<std::int64_t>(data.type == Type::kFloat16 ? 2 : 4);
  return how;
}

// Throws std::invalid_argument where the updates are not slices that `depth` indices name.
void check_updates(const Shapes& inputs, std::int64_t depth) {
  const Shape& data = inputs[kData];
  const Shape& indices = inputs[kIndices];
  const Shape& updates = inputs[kUpdates];
  require(depth >= 1 && depth <= static_cast<std::int64_t>(data.size()),
          "the last dimension of the indices must be 1 to the rank of the data");
  Shape wanted(indices.begin(), indices.end() - 1);
  wanted.insert(wanted.end(), data.begin() + depth, data.end());
  require(updates.size() == wanted.size(), "the updates have another rank than their slices");
  for (std::size_t axis = 0; axis < wanted.size(); ++axis)
    require(may_equal(updates[axis], wanted[axis]), "the updates have not the shape of slices");
}

struct FarmScatterNd : Operator {
  static constexpr char kName[] = "FarmScatterND";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32, Type::kInt32, Type::kFloat32}, {Type::kFloat32}},
      {{Type::kFloat16, Type::kInt32, Type::kFloat16}, {Type::kFloat16}},
      {{Type::kInt32, Type::kInt32, Type::kInt32}, {Type::kInt32}},
  };
  static constexpr int kOutputs = 1;

  bool in_place = false;

  void attributes(Attributes& list) { list.optional("in_place", in_place); }

  Shapes shapes(const Shapes& inputs) const {
    const Shape& data = inputs[kData];
    const Shape& indices = inputs[kIndices];
    require(!data.empty() && !indices.empty(), "data and indices must have 1 dimension or more");
    if (indices.back().known()) check_updates(inputs, indices.back().number());
    return {data};
  }

  std::size_t workspace(const Tensors& inputs, const Tensors&) const {
    return scatter_nd_workspace_bytes(scatter_of(inputs));
  }

  // TensorRT refuses an alias where its preview feature is off, so a graph must ask for it.
  int alias(int /*output*/) const { return in_place ? kData : -1; }

  cudaError_t enqueue(const Call& call) const {
    return scatter_nd(scatter_of(call.inputs), call.inputs[kData].data,
                      call.inputs[kIndices].as<const std::int32_t>(), call.inputs[kUpdates].data,
                      call.outputs[0].data, call.workspace, call.stream);
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::FarmScatterNd)
