// Regions of a feature map, each resampled to one size, for TensorRT.

#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kFeatures = 0;
constexpr int kRois = 1;
constexpr std::int64_t kRoiNumbers = 5;

struct MmcvRoiAlign : Operator {
  static constexpr char kName[] = "MMCVRoiAlign";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32, Type::kFloat32}, {Type::kFloat32}},
      {{Type::kFloat16, Type::kFloat16}, {Type::kFloat16}},
  };
  static constexpr int kOutputs = 1;

  std::int32_t output_height = 1;
  std::int32_t output_width = 1;
  float spatial_scale = 1.0f;
  std::int32_t sampling_ratio = 0;
  RoiMode mode = RoiMode::kAverage;
  bool aligned = true;

  void attributes(Attributes& list) {
    list.required("output_height", output_height, at_least(1));
    list.required("output_width", output_width, at_least(1));
    list.optional("spatial_scale", spatial_scale);
    list.optional("sampling_ratio", sampling_ratio, at_least(0));
    list.word("mode", mode, {"max", "avg"}, /* required = */ true);
    list.optional("aligned", aligned);
  }

  Shapes shapes(const Shapes& inputs) const {
    require(inputs[kFeatures].size() == 4, "the features must have 4 dimensions");
    require(inputs[kRois].size() == 2, "the rois must have 2 dimensions");
    require(may_equal(inputs[kRois][1], kRoiNumbers), "a roi is 5 numbers: image, x1, y1, x2, y2");
    return {{inputs[kRois][0], inputs[kFeatures][1], output_height, output_width}};
  }

  std::size_t workspace(const Tensors& inputs, const Tensors&) const {
    return roi_align_workspace_bytes(described(inputs));
  }

  cudaError_t enqueue(const Call& call) const {
    const Tensor& features = call.inputs[kFeatures];
    return with_type<float, __half>(features.type, [&](auto sample) {
      using T = decltype(sample);
      return roi_align(described(call.inputs), features.as<const T>(),
                       call.inputs[kRois].as<const T>(), call.outputs[0].as<T>(), call.workspace,
                       call.stream);
    });
  }

 private:
  RoiAlign described(const Tensors& inputs) const {
    const Tensor& features = inputs[kFeatures];
    RoiAlign how = {};
    how.images = static_cast<int>(features.dims[0]);
    how.channels = static_cast<int>(features.dims[1]);
    how.height = static_cast<int>(features.dims[2]);
    how.width = static_cast<int>(features.dims[3]);
    how.rois = static_cast<int>(inputs[kRois].dims[0]);
    how.bin_rows = output_height;
    how.bin_columns = output_width;
    how.scale = spatial_scale;
    how.samples = sampling_ratio;
    how.aligned = aligned;
    how.mode = mode;
    return how;
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::MmcvRoiAlign)
