// Scaled dot-product attention, for TensorRT.

#include <array>

#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kQuery = 0;
constexpr int kKey = 1;
constexpr int kValue = 2;
constexpr int kInputs = 3;
constexpr int kOutput = 0;
constexpr int kWidth = 2;  // the axis of channels

struct FusedAttention : Operator {
  static constexpr char kName[] = "FarmAttention";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32, Type::kFloat32, Type::kFloat32}, {Type::kFloat32}},
      {{Type::kFloat16, Type::kFloat16, Type::kFloat16}, {Type::kFloat16}},
  };
  static constexpr int kOutputs = 1;

  std::int32_t heads = 1, channels = 1;
  float scale = 1.0f;
  std::array<std::int32_t, kInputs> offsets{0, 0, 0};
  bool rows_first = false;

  void attributes(Attributes& list) {
    list.required("num_heads", heads, between(1, 65536));
    list.required("head_size", channels, between(1, 128));
    list.required("scale", scale, between(1e-30, 1e30));
    list.optional("offsets", offsets, at_least(0));
    list.optional("sequence_first", rows_first);
  }

  Shapes shapes(const Shapes& inputs) const {
    for (int place = 0; place < kInputs; ++place) {
      require(inputs[place].size() == 3, "query, key and value have 3 dimensions");
      require(may_equal(inputs[place][images()], inputs[kQuery][images()]),
              "query, key and value are of the same batch");
      const Extent& width = inputs[place][kWidth];
      require(!width.known() || width.number() >= offsets[place] + std::int64_t{heads} * channels,
              "query, key and value have channels for all heads");
    }
    require(may_equal(inputs[kKey][rows()], inputs[kValue][rows()]),
            "there is a value for each key");
    return {{inputs[kQuery][0], inputs[kQuery][1], Extent(std::int64_t{heads} * channels)}};
  }

  cudaError_t enqueue(const Call& call) const {
    const Tensor &query = call.inputs[kQuery], &key = call.inputs[kKey],
                 &value = call.inputs[kValue];
    for (int place = 0; place < kInputs; ++place) {
      const Tensor& input = call.inputs[place];
      require(input.dims[images()] == query.dims[images()],
              "query, key and value are of the same batch");
      require(input.dims[kWidth] >= offsets[place] + std::int64_t{heads} * channels,
              "query, key and value have channels for all heads");
    }
    require(key.dims[rows()] == value.dims[rows()], "there is a value for each key");
    const AttentionSize size{query.dims[images()],
                             query.dims[rows()],
                             key.dims[rows()],
                             heads,
                             channels,
                             steps(query),
                             steps(key),
                             steps(value),
                             steps(call.outputs[kOutput]),
                             scale};
    return with_type<float, __half>(query.type, [&](auto sample) {
      using T = decltype(sample);
      const AttentionTensors<T> tensors{
          query.as<const T>() + offsets[kQuery], key.as<const T>() + offsets[kKey],
          value.as<const T>() + offsets[kValue], call.outputs[kOutput].as<T>()};
      return attention(size, tensors, call.stream);
    });
  }

 private:
  int images() const { return rows_first ? 1 : 0; }
  int rows() const { return rows_first ? 0 : 1; }

  AttentionRows steps(const Tensor& tensor) const {
    const std::int64_t outer = tensor.count(1, tensor.rank), inner = tensor.dims[kWidth];
    return rows_first ? AttentionRows{inner, outer} : AttentionRows{outer, inner};
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::FusedAttention)
