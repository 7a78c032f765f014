// What both deformable convolutions say to TensorRT: attributes, the shape of the output, sizes.
#pragma once

#include <array>
#include <cstdint>

#include "common/deform_conv/deform_conv.hpp"
#include "common/plugin.hpp"

namespace farm {

// The base of both. `kWeight` is the place of the weights among the inputs; a bias may follow.
template <int kWeight>
struct DeformConvGlue : Operator {
  static constexpr int kX = 0, kOffset = 1, kBias = kWeight + 1, kY = 0;
  static constexpr int kOutputs = 1;
  static constexpr int kOptionalInputs = 1;

  std::array<std::int32_t, 2> stride{1, 1}, padding{0, 0}, dilation{1, 1};
  std::int32_t groups = 1, deform_groups = 1;
  bool legacy = false, tf32 = false;

  void attributes(Attributes& list) {
    list.optional("stride", stride, at_least(1));
    list.optional("padding", padding, at_least(0));
    list.optional("dilation", dilation, at_least(1));
    list.optional("groups", groups, at_least(1));
    list.optional("deform_groups", deform_groups, at_least(1));
    list.optional("legacy", legacy);
    list.optional("tf32", tf32);
  }

  Shapes shapes(const Shapes& inputs) const {
    const Shape &x = inputs[kX], &offset = inputs[kOffset], &weight = inputs[kWeight];
    require(x.size() == 4 && offset.size() == 4 && weight.size() == 4,
            "input, offset and weight have 4 dimensions");
    require(may_equal(x[1], weight[1] * groups),
            "the weights are for another number of input channels");
    require(may_equal(offset[1], weight[2] * weight[3] * 2 * deform_groups),
            "there are two offsets for each tap of a deform group");
    const Extent rows = places(x[2], weight[2], 0), columns = places(x[3], weight[3], 1);
    require(may_equal(offset[2], rows) && may_equal(offset[3], columns),
            "there are offsets for each pixel of the output");
    return {{x[0], weight[0], rows, columns}};
  }

  DeformConvSize size(const Tensors& inputs, const Tensors& outputs) const {
    const Tensor &x = inputs[kX], &weight = inputs[kWeight], &y = outputs[kY];
    DeformConvSize made{x.dims[0], x.dims[1], x.dims[2],    x.dims[3], y.dims[1],
                        y.dims[2], y.dims[3], {},           {},        {},
                        {},        groups,    deform_groups};
    for (int axis = 0; axis < 2; ++axis) {
      made.kernel[axis] = static_cast<int>(weight.dims[2 + axis]);
      made.stride[axis] = of_axis(stride, axis);
      made.padding[axis] = of_axis(padding, axis);
      made.dilation[axis] = of_axis(dilation, axis);
    }
    return made;
  }

  // The size of one execution. Throws std::invalid_argument where tensors do not fit each other, so
  // that nothing is read outside of them.
  DeformConvSize size_of(const Call& call) const {
    const Tensors& inputs = call.inputs;
    const Tensor &x = inputs[kX], &weight = inputs[kWeight], &y = call.outputs[kY];
    const DeformConvSize made = size(inputs, call.outputs);
    const std::int64_t moved = made.images * deform_groups * made.taps() * made.out_area();
    require(x.dims[1] == weight.dims[1] * groups,
            "the weights are for another number of input channels");
    require(y.dims[0] == x.dims[0] && y.dims[1] == weight.dims[0],
            "the output is of another size than input and weights");
    require(inputs[kOffset].count() == moved * 2,
            "there are two offsets for each pixel of the output and tap of a deform group");
    require(kWeight == 2 || inputs[2].count() == moved,
            "there is a mask for each pixel of the output and tap of a deform group");
    require(!inputs.has(kBias) || inputs[kBias].count() == y.dims[1],
            "there is a bias for each output channel");
    return made;
  }

  template <class T>
  DeformConvTensors<T> tensors(const Call& call) const {
    return {call.inputs[kX].as<const T>(),
            call.inputs[kOffset].as<const T>(),
            kWeight == 2 ? nullptr : call.inputs[2].as<const T>(),
            call.inputs[kWeight].as<const T>(),
            call.inputs.as_optional<const T>(kBias),
            call.outputs[kY].as<T>()};
  }

 private:
  // The number of an axis, 0 for rows; MMCV has them the other way round.
  int of_axis(const std::array<std::int32_t, 2>& pair, int axis) const {
    return pair[static_cast<std::size_t>(legacy ? 1 - axis : axis)];
  }

  Extent places(const Extent& length, const Extent& kernel, int axis) const {
    const Extent reach = (kernel - 1) * of_axis(dilation, axis) + 1;
    return (length + 2 * std::int64_t{of_axis(padding, axis)} - reach) / of_axis(stride, axis) + 1;
  }
};

// The bytes of an element of a tensor of a deformable convolution.
inline std::size_t element_bytes(const Tensor& tensor) {
  return tensor.type == Type::kFloat16 ? 2 : 4;
}

}  // namespace farm
