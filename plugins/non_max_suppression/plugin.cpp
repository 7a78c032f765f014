// The best boxes of each class, without those that overlap a better one too much, for TensorRT.

#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kBoxes = 0;
constexpr int kScores = 1;
constexpr std::int64_t kBoxNumbers = 4;
constexpr std::int64_t kRowNumbers = 3;

struct NonMaxSuppressionPlugin : Operator {
  static constexpr char kName[] = "TRTNonMaxSuppression";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32, Type::kFloat32}, {Type::kInt32}},
      {{Type::kFloat16, Type::kFloat16}, {Type::kInt32}},
  };
  static constexpr int kOutputs = 1;

  bool center_point_box = false;
  std::int32_t max_output_boxes_per_class = 0;
  float iou_threshold = 0.0f;
  float score_threshold = 0.0f;
  std::int32_t offset = 0;
  bool legacy = false;

  void attributes(Attributes& list) {
    list.optional("center_point_box", center_point_box);
    list.optional("max_output_boxes_per_class", max_output_boxes_per_class, at_least(0));
    list.optional("iou_threshold", iou_threshold, between(0, 1));
    list.optional("score_threshold", score_threshold);
    list.optional("offset", offset, between(0, 1));
    list.optional("legacy", legacy);
  }

  Shapes shapes(const Shapes& inputs) const {
    const Shape& boxes = inputs[kBoxes];
    const Shape& scores = inputs[kScores];
    require(boxes.size() == 3, "the boxes must have 3 dimensions");
    require(scores.size() == 3, "the scores must have 3 dimensions");
    require(may_equal(boxes[2], kBoxNumbers), "a box is 4 numbers");
    require(may_equal(boxes[0], scores[0]), "boxes and scores must be of as many images");
    require(may_equal(boxes[1], scores[2]), "there must be a score for each box");
    const Extent most = max_output_boxes_per_class == 0
                            ? scores[2]
                            : smaller(scores[2], max_output_boxes_per_class);
    return {{scores[0] * scores[1] * most, kRowNumbers}};
  }

  std::size_t workspace(const Tensors& inputs, const Tensors&) const {
    return non_max_suppression_workspace_bytes(described(inputs));
  }

  cudaError_t enqueue(const Call& call) const {
    const Tensor& boxes = call.inputs[kBoxes];
    return with_type<float, __half>(boxes.type, [&](auto sample) {
      using T = decltype(sample);
      return non_max_suppression(described(call.inputs), boxes.as<const T>(),
                                 call.inputs[kScores].as<const T>(),
                                 call.outputs[0].as<std::int32_t>(), call.workspace, call.stream);
    });
  }

 private:
  NonMaxSuppression described(const Tensors& inputs) const {
    const Tensor& scores = inputs[kScores];
    NonMaxSuppression how = {};
    how.images = static_cast<int>(scores.dims[0]);
    how.classes = static_cast<int>(scores.dims[1]);
    how.boxes = static_cast<int>(scores.dims[2]);
    const bool limited = max_output_boxes_per_class > 0 && max_output_boxes_per_class < how.boxes;
    how.most = limited ? max_output_boxes_per_class : how.boxes;
    how.centred = center_point_box;
    how.overlap = iou_threshold;
    how.score = score_threshold;
    how.border = static_cast<float>(offset);
    how.legacy = legacy;
    return how;
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::NonMaxSuppressionPlugin)
