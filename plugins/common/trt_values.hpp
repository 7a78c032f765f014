#pragma once

// TensorRT's types, shapes and fields as the operator's, and back.

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/plugin.hpp"
#include "common/trt_version.hpp"

namespace farm {

inline Type type_from(nvinfer1::DataType type) {
  switch (type) {
    case nvinfer1::DataType::kFLOAT:
      return Type::kFloat32;
    case nvinfer1::DataType::kHALF:
      return Type::kFloat16;
    case nvinfer1::DataType::kINT8:
      return Type::kInt8;
    case nvinfer1::DataType::kINT32:
      return Type::kInt32;
    case nvinfer1::DataType::kBOOL:
      return Type::kBool;
#if FARM_PLUGIN_V3
    case nvinfer1::DataType::kBF16:
      return Type::kBFloat16;
    case nvinfer1::DataType::kINT64:
      return Type::kInt64;
#endif
    default:
      return Type::kOther;
  }
}

// Throws std::invalid_argument for a type that this TensorRT does not have.
inline nvinfer1::DataType type_to(Type type) {
  switch (type) {
    case Type::kFloat32:
      return nvinfer1::DataType::kFLOAT;
    case Type::kFloat16:
      return nvinfer1::DataType::kHALF;
    case Type::kInt8:
      return nvinfer1::DataType::kINT8;
    case Type::kInt32:
      return nvinfer1::DataType::kINT32;
    case Type::kBool:
      return nvinfer1::DataType::kBOOL;
#if FARM_PLUGIN_V3
    case Type::kBFloat16:
      return nvinfer1::DataType::kBF16;
    case Type::kInt64:
      return nvinfer1::DataType::kINT64;
#endif
    default:
      throw std::invalid_argument("has an output of a type that this TensorRT does not have");
  }
}

inline Format format_from(nvinfer1::TensorFormat format) {
  switch (format) {
    case nvinfer1::TensorFormat::kLINEAR:
      return Format::kLinear;
    case nvinfer1::TensorFormat::kHWC:
      return Format::kHwc;
    case nvinfer1::TensorFormat::kHWC8:
      return Format::kHwc8;
    case nvinfer1::TensorFormat::kCHW32:
      return Format::kChw32;
    default:
      return Format::kOther;
  }
}

inline Kind kind_from(const nvinfer1::PluginTensorDesc& desc) {
  return {type_from(desc.type), format_from(desc.format)};
}

namespace value_detail {

inline Tensor tensor(const nvinfer1::PluginTensorDesc& desc, const nvinfer1::Dims& dims,
                     const void* data) {
  Tensor made;
  made.type = type_from(desc.type);
  made.format = format_from(desc.format);
  if (dims.nbDims < 0 || dims.nbDims > kMaxRank)
    throw std::invalid_argument("was given a tensor of unknown rank");
  made.rank = dims.nbDims;
  for (int axis = 0; axis < dims.nbDims; ++axis) made.dims[axis] = dims.d[axis];
  // One kind of tensor for both ways: inputs are constant to whoever asks for their elements.
  made.data = const_cast<void*>(data);
  return made;
}

}  // namespace value_detail

// Tensors with their sizes, and with their memory where `data` is not null.
inline Tensors tensors_from(const nvinfer1::PluginTensorDesc* descs, const void* const* data,
                            int count) {
  Tensors tensors;
  for (int place = 0; place < count; ++place)
    tensors.add(value_detail::tensor(descs[place], descs[place].dims,
                                     data == nullptr ? nullptr : data[place]));
  return tensors;
}

// Tensors of the largest sizes there will be.
inline Tensors largest_from(const nvinfer1::DynamicPluginTensorDesc* descs, int count) {
  Tensors tensors;
  for (int place = 0; place < count; ++place)
    tensors.add(value_detail::tensor(descs[place].desc, descs[place].max, nullptr));
  return tensors;
}

// The signature whose inputs have these types, or null.
template <class Op>
const Signature* signature_of(const nvinfer1::DataType* types, int count) {
  Description<Op>::check_inputs(count);
  Type found[kMaxTensors];
  for (int place = 0; place < count; ++place) found[place] = type_from(types[place]);
  return Description<Op>::of_inputs(found, count);
}

// Whether the tensors up to `place`, inputs before outputs, begin a combination that the kernels
// can do. `at` gives the description of each.
template <class Op, class At>
bool supports_combination(int place, int inputs, int outputs, At&& at) {
  Description<Op>::check_inputs(inputs);
  if (outputs != Op::kOutputs || place < 0 || place >= inputs + outputs) return false;
  Kind kinds[2 * kMaxTensors];
  for (int known = 0; known <= place; ++known) kinds[known] = kind_from(at(known));
  return Description<Op>::supports(kinds, place + 1, inputs);
}

inline Shape shape_from(const nvinfer1::DimsExprs& dims, nvinfer1::IExprBuilder& builder) {
  Shape shape;
  for (int axis = 0; axis < dims.nbDims; ++axis) shape.emplace_back(*dims.d[axis], builder);
  return shape;
}

inline Shapes shapes_from(const nvinfer1::DimsExprs* dims, int count,
                          nvinfer1::IExprBuilder& builder) {
  Shapes shapes;
  for (int place = 0; place < count; ++place) shapes.push_back(shape_from(dims[place], builder));
  return shapes;
}

// Shapes of tensors whose sizes are known.
inline Shapes shapes_of(const Tensors& tensors) {
  Shapes shapes;
  for (int place = 0; place < tensors.size(); ++place)
    shapes.emplace_back(tensors[place].dims, tensors[place].dims + tensors[place].rank);
  return shapes;
}

inline nvinfer1::DimsExprs shape_to(const Shape& shape, nvinfer1::IExprBuilder& builder) {
  if (shape.size() > kMaxRank)
    throw std::invalid_argument("has an output of more than 8 dimensions");
  nvinfer1::DimsExprs dims{};
  for (const Extent& extent : shape) dims.d[dims.nbDims++] = &extent.expression(builder);
  return dims;
}

// A field as the value of an attribute. Throws std::invalid_argument for what no attribute is made
// of.
inline Value value_from(const nvinfer1::PluginField& field) {
  const auto fail = [&field](const char* why) {
    return std::invalid_argument("attribute " + std::string(field.name) + " " + why);
  };
  if (field.length < 0 || (field.data == nullptr && field.length > 0)) throw fail("has no value");
  const auto length = static_cast<std::size_t>(field.length);
  switch (field.type) {
    case nvinfer1::PluginFieldType::kINT32: {
      const auto* data = static_cast<const std::int32_t*>(field.data);
      return std::vector<std::int32_t>(data, data + length);
    }
#if FARM_PLUGIN_V3
    case nvinfer1::PluginFieldType::kINT64: {
      std::vector<std::int32_t> narrow;
      for (std::size_t place = 0; place < length; ++place) {
        const auto wide = static_cast<const std::int64_t*>(field.data)[place];
        if (wide != static_cast<std::int32_t>(wide)) throw fail("does not fit into 32 bits");
        narrow.push_back(static_cast<std::int32_t>(wide));
      }
      return narrow;
    }
#endif
    case nvinfer1::PluginFieldType::kFLOAT32: {
      const auto* data = static_cast<const float*>(field.data);
      return std::vector<float>(data, data + length);
    }
    case nvinfer1::PluginFieldType::kCHAR: {
      // Some versions count the zero at the end, others do not.
      const auto* data = static_cast<const char*>(field.data);
      return length == 0 ? std::string() : std::string(data, strnlen(data, length));
    }
    default:
      throw fail("is of a kind that no attribute has");
  }
}

}  // namespace farm
