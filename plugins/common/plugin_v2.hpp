#pragma once

// An operator as IPluginV2DynamicExt, for TensorRT 8.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "common/report.hpp"
#include "common/state.hpp"

// From 8.5 on IPluginV2 is marked deprecated, whose only successor arrives with 10.0.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace farm {

template <class Op>
class PluginV2 final : public nvinfer1::IPluginV2DynamicExt {
 public:
  PluginV2(State<Op> state, std::string name_space)
      : state_(std::move(state)), namespace_(std::move(name_space)) {}

  const char* getPluginType() const noexcept override { return Op::kName; }
  const char* getPluginVersion() const noexcept override { return Op::kVersion; }
  std::int32_t getNbOutputs() const noexcept override { return Op::kOutputs; }
  std::int32_t initialize() noexcept override { return 0; }
  void terminate() noexcept override {}
  void destroy() noexcept override { delete this; }
  const char* getPluginNamespace() const noexcept override { return namespace_.c_str(); }

  void setPluginNamespace(const char* name_space) noexcept override {
    guarded(Op::kName, 0, [&] { return namespace_ = name_space, 0; });
  }

  nvinfer1::IPluginV2DynamicExt* clone() const noexcept override {
    return guarded<PluginV2*>(Op::kName, nullptr, [&] { return new PluginV2(state_, namespace_); });
  }

  std::size_t getSerializationSize() const noexcept override {
    return guarded<std::size_t>(Op::kName, 0, [&] { return bytes().size(); });
  }

  void serialize(void* buffer) const noexcept override {
    guarded(Op::kName, 0, [&] {
      const std::vector<char> written = bytes();
      return std::memcpy(buffer, written.data(), written.size()), 0;
    });
  }

  // There is no way to fail here; `supportsFormatCombination` refuses types that no signature has.
  nvinfer1::DataType getOutputDataType(std::int32_t index, const nvinfer1::DataType* types,
                                       std::int32_t inputs) const noexcept override {
    return guarded(Op::kName, nvinfer1::DataType::kFLOAT, [&] {
      const Signature* signature = signature_of<Op>(types, inputs);
      return type_to((signature == nullptr ? Op::kSignatures[0] : *signature).outputs[index].type);
    });
  }

  nvinfer1::DimsExprs getOutputDimensions(std::int32_t index, const nvinfer1::DimsExprs* inputs,
                                          std::int32_t count,
                                          nvinfer1::IExprBuilder& builder) noexcept override {
    return guarded(Op::kName, nvinfer1::DimsExprs{-1, {}}, [&] {
      state_.set_inputs(count);
      const Shapes shapes = Description<Op>::shapes(state_.op, shapes_from(inputs, count, builder));
      return shape_to(shapes.at(static_cast<std::size_t>(index)), builder);
    });
  }

  bool supportsFormatCombination(std::int32_t place, const nvinfer1::PluginTensorDesc* tensors,
                                 std::int32_t inputs, std::int32_t outputs) noexcept override {
    return guarded(Op::kName, false, [&] {
      return supports_combination<Op>(
          place, inputs, outputs,
          [tensors](int at) -> const nvinfer1::PluginTensorDesc& { return tensors[at]; });
    });
  }

  void configurePlugin(const nvinfer1::DynamicPluginTensorDesc*, std::int32_t inputs,
                       const nvinfer1::DynamicPluginTensorDesc*, std::int32_t) noexcept override {
    guarded(Op::kName, 0, [&] { return state_.set_inputs(inputs), 0; });
  }

  std::size_t getWorkspaceSize(const nvinfer1::PluginTensorDesc* inputs, std::int32_t input_count,
                               const nvinfer1::PluginTensorDesc* outputs,
                               std::int32_t output_count) const noexcept override {
    return guarded<std::size_t>(Op::kName, 0, [&] {
      return state_.op.workspace(tensors_from(inputs, nullptr, input_count),
                                 tensors_from(outputs, nullptr, output_count));
    });
  }

  std::int32_t enqueue(const nvinfer1::PluginTensorDesc* input_descs,
                       const nvinfer1::PluginTensorDesc* output_descs, const void* const* inputs,
                       void* const* outputs, void* workspace,
                       cudaStream_t stream) noexcept override {
    return guarded(Op::kName, 1, [&] {
      const Call call{tensors_from(input_descs, inputs, state_.inputs),
                      tensors_from(output_descs, outputs, Op::kOutputs), workspace, stream};
      return status_of(state_.op.enqueue(call));
    });
  }

 private:
  std::vector<char> bytes() const {
    State<Op> copy = state_;
    return to_bytes(copy.plan_attributes());
  }

  State<Op> state_;
  std::string namespace_;
};

template <class Op>
class CreatorV2 final : public nvinfer1::IPluginCreator {
 public:
  const char* getPluginName() const noexcept override { return Op::kName; }
  const char* getPluginVersion() const noexcept override { return Op::kVersion; }
  const char* getPluginNamespace() const noexcept override { return namespace_.c_str(); }

  void setPluginNamespace(const char* name_space) noexcept override {
    guarded(Op::kName, 0, [&] { return namespace_ = name_space, 0; });
  }

  const nvinfer1::PluginFieldCollection* getFieldNames() noexcept override {
    return guarded<const nvinfer1::PluginFieldCollection*>(Op::kName, nullptr, [&] {
      State<Op> state;
      fields_.set(state.graph_attributes(), Source::kGraph);
      return fields_.collection();
    });
  }

  nvinfer1::IPluginV2* createPlugin(
      const char*, const nvinfer1::PluginFieldCollection* fields) noexcept override {
    return guarded<nvinfer1::IPluginV2*>(Op::kName, nullptr, [&] {
      return new PluginV2<Op>(State<Op>::from_graph(fields), namespace_);
    });
  }

  nvinfer1::IPluginV2* deserializePlugin(const char*, const void* data,
                                         std::size_t size) noexcept override {
    return guarded<nvinfer1::IPluginV2*>(Op::kName, nullptr, [&] {
      return new PluginV2<Op>(State<Op>::from_plan(data, size), namespace_);
    });
  }

 private:
  std::string namespace_;
  Fields fields_;
};

}  // namespace farm

#pragma GCC diagnostic pop
