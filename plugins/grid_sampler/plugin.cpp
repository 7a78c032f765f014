// Values of images or volumes at places that a grid names, for TensorRT.

#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kInput = 0;
constexpr int kGrid = 1;

struct GridSamplerPlugin : Operator {
  static constexpr char kName[] = "grid_sampler";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32, Type::kFloat32}, {Type::kFloat32}},
      {{Type::kFloat16, Type::kFloat16}, {Type::kFloat16}},
  };
  static constexpr int kOutputs = 1;

  std::int32_t interpolation_mode = 0;
  std::int32_t padding_mode = 0;
  bool align_corners = false;
  bool legacy = false;

  void attributes(Attributes& list) {
    list.optional("interpolation_mode", interpolation_mode, between(0, 2));
    list.optional("padding_mode", padding_mode, between(0, 2));
    list.optional("align_corners", align_corners);
    list.optional("legacy", legacy);
  }

  Shapes shapes(const Shapes& inputs) const {
    const Shape& input = inputs[kInput];
    const Shape& grid = inputs[kGrid];
    require(input.size() == 4 || input.size() == 5, "the input must have 4 or 5 dimensions");
    require(grid.size() == input.size(), "the grid must have as many dimensions as the input");
    const auto axes = static_cast<std::int64_t>(input.size()) - 2;
    require(may_equal(grid.back(), axes), "the grid must have a coordinate for each axis");
    require(may_equal(grid[0], input[0]), "the grid must have as many images as the input");
    require(interpolation_mode != static_cast<std::int32_t>(Interpolation::kBicubic) || axes == 2,
            "there is no cubic interpolation of volumes");
    Shape output = {input[0], input[1]};
    output.insert(output.end(), grid.begin() + 1, grid.end() - 1);
    return {output};
  }

  std::size_t workspace(const Tensors& inputs, const Tensors&) const {
    return grid_sampler_workspace_bytes(
        described(inputs), inputs[kInput].type == Type::kFloat16 ? sizeof(__half) : sizeof(float));
  }

  cudaError_t enqueue(const Call& call) const {
    const Tensor& input = call.inputs[kInput];
    return with_type<float, __half>(input.type, [&](auto sample) {
      using T = decltype(sample);
      return grid_sampler(described(call.inputs), input.as<const T>(),
                          call.inputs[kGrid].as<const T>(), call.outputs[0].as<T>(), call.workspace,
                          call.stream);
    });
  }

 private:
  GridSampler described(const Tensors& inputs) const {
    const Tensor& input = inputs[kInput];
    const Tensor& grid = inputs[kGrid];
    GridSampler how = {};
    how.images = static_cast<int>(input.dims[0]);
    how.channels = static_cast<int>(input.dims[1]);
    how.axes = input.rank - 2;
    how.depth = how.axes == 3 ? static_cast<int>(input.dims[2]) : 1;
    how.height = static_cast<int>(input.dims[input.rank - 2]);
    how.width = static_cast<int>(input.dims[input.rank - 1]);
    how.columns = static_cast<int>(grid.dims[grid.rank - 2]);
    how.places = grid.count(1, grid.rank - 1);
    how.interpolation = static_cast<Interpolation>(interpolation_mode);
    how.padding = static_cast<Padding>(padding_mode);
    how.align_corners = align_corners;
    how.legacy = legacy;
    return how;
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::GridSamplerPlugin)
