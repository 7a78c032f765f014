// Multi-scale deformable attention, for TensorRT.

#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kValue = 0;
constexpr int kSizes = 1;
constexpr int kStarts = 2;
constexpr int kPlaces = 3;
constexpr int kShares = 4;
constexpr int kY = 0;

struct MsDeformAttn : Operator {
  static constexpr char kName[] = "MMCVMultiScaleDeformableAttention";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32, Type::kInt32, Type::kInt32, Type::kFloat32, Type::kFloat32},
       {Type::kFloat32}},
      {{Type::kFloat16, Type::kInt32, Type::kInt32, Type::kFloat16, Type::kFloat16},
       {Type::kFloat16}},
  };
  static constexpr int kOutputs = 1;

  bool split_heads = false;

  void attributes(Attributes& list) { list.optional("split_heads", split_heads); }

  Shapes shapes(const Shapes& inputs) const {
    const Shape &value = inputs[kValue], &places = inputs[kPlaces], &shares = inputs[kShares];
    require(value.size() == 4 && places.size() == 6 && shares.size() == 5,
            "value, sampling_locations and attention_weights have 4, 6 and 5 dimensions");
    require(inputs[kSizes].size() == 2 && inputs[kStarts].size() == 1,
            "spatial_shapes and level_start_index have 2 dimensions and 1");
    require(may_equal(places[2], value[2]), "there are sampling locations for each head");
    require(may_equal(places[3], inputs[kStarts][0]),
            "there are sampling locations for each level");
    for (std::size_t axis = 0; axis < shares.size(); ++axis) {
      require(may_equal(places[axis], shares[axis]),
              "there is an attention weight for each sampling location");
    }
    if (split_heads) return {{value[0], places[1], value[2], value[3]}};
    return {{value[0], places[1], value[2] * value[3]}};
  }

  cudaError_t enqueue(const Call& call) const {
    const Tensor &value = call.inputs[kValue], &places = call.inputs[kPlaces],
                 &sizes = call.inputs[kSizes];
    const MsDeformAttnSize size{value.dims[0],
                                value.dims[1],
                                value.dims[2],
                                value.dims[3],
                                places.dims[1],
                                static_cast<int>(places.dims[3]),
                                static_cast<int>(places.dims[4])};
    require(places.dims[0] == size.images && places.dims[2] == size.heads && places.dims[5] == 2,
            "the sampling locations are for another value");
    require(places.count(0, 5) == call.inputs[kShares].count(),
            "there is an attention weight for each sampling location");
    require(sizes.count() == 2 * places.dims[3] && call.inputs[kStarts].count() == places.dims[3],
            "there is a size and a start for each level");
    return with_type<float, __half>(value.type, [&](auto sample) {
      using T = decltype(sample);
      const MsDeformAttnTensors<T> tensors{value.as<const T>(),
                                           sizes.as<const std::int32_t>(),
                                           call.inputs[kStarts].as<const std::int32_t>(),
                                           places.as<const T>(),
                                           call.inputs[kShares].as<const T>(),
                                           call.outputs[kY].as<T>()};
      return ms_deform_attn(size, tensors, call.stream);
    });
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::MsDeformAttn)
