#pragma once

// An operator as IPluginV3, for TensorRT 10 and later.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "common/report.hpp"
#include "common/state.hpp"

namespace farm {

// What a builder asks. Outputs in the place of inputs are a preview of TensorRT's: only an operator
// that has one presents itself as the second version of this interface.
class BuildCapability
#if FARM_ALIASES
    : public nvinfer1::v_2_0::IPluginV3OneBuild {
 public:
  nvinfer1::InterfaceInfo getInterfaceInfo() const noexcept override {
    return aliases_ ? nvinfer1::v_2_0::IPluginV3OneBuild::getInterfaceInfo()
                    : nvinfer1::v_1_0::IPluginV3OneBuild::getInterfaceInfo();
  }
#else
    : public nvinfer1::IPluginV3OneBuild {
 public:
#endif
  explicit BuildCapability(bool aliases) : aliases_(aliases) {}

 protected:
  bool aliases_;
};

template <class Op>
class PluginV3 final : public nvinfer1::IPluginV3,
                       public nvinfer1::IPluginV3OneCore,
                       public BuildCapability,
                       public nvinfer1::IPluginV3OneRuntime {
 public:
  explicit PluginV3(State<Op> state)
      : BuildCapability(aliases(state.op)), state_(std::move(state)) {}

  nvinfer1::IPluginCapability* getCapabilityInterface(
      nvinfer1::PluginCapabilityType type) noexcept override {
    switch (type) {
      case nvinfer1::PluginCapabilityType::kCORE:
        return static_cast<nvinfer1::IPluginV3OneCore*>(this);
      case nvinfer1::PluginCapabilityType::kBUILD:
        return static_cast<BuildCapability*>(this);
      case nvinfer1::PluginCapabilityType::kRUNTIME:
        return static_cast<nvinfer1::IPluginV3OneRuntime*>(this);
    }
    return nullptr;
  }

  nvinfer1::IPluginV3* clone() noexcept override {
    return guarded<nvinfer1::IPluginV3*>(Op::kName, nullptr, [&] { return new PluginV3(state_); });
  }

  const char* getPluginName() const noexcept override { return Op::kName; }
  const char* getPluginVersion() const noexcept override { return Op::kVersion; }
  const char* getPluginNamespace() const noexcept override { return ""; }

  std::int32_t getNbOutputs() const noexcept override { return Op::kOutputs; }

  std::int32_t getOutputDataTypes(nvinfer1::DataType* outputs, std::int32_t output_count,
                                  const nvinfer1::DataType* inputs,
                                  std::int32_t input_count) const noexcept override {
    return guarded(Op::kName, kFailed, [&] {
      const Signature* signature = signature_of<Op>(inputs, input_count);
      require(signature != nullptr, "has inputs of types that it has no kernel for");
      for (int place = 0; place < output_count; ++place)
        outputs[place] = type_to(signature->outputs[place].type);
      return kDone;
    });
  }

  std::int32_t getOutputShapes(const nvinfer1::DimsExprs* inputs, std::int32_t input_count,
                               const nvinfer1::DimsExprs*, std::int32_t,
                               nvinfer1::DimsExprs* outputs, std::int32_t output_count,
                               nvinfer1::IExprBuilder& builder) noexcept override {
    return guarded(Op::kName, kFailed, [&] {
      state_.set_inputs(input_count);
      const Shapes shapes =
          Description<Op>::shapes(state_.op, shapes_from(inputs, input_count, builder));
      for (int place = 0; place < output_count; ++place)
        outputs[place] = shape_to(shapes.at(static_cast<std::size_t>(place)), builder);
      return kDone;
    });
  }

  bool supportsFormatCombination(std::int32_t place,
                                 const nvinfer1::DynamicPluginTensorDesc* tensors,
                                 std::int32_t inputs, std::int32_t outputs) noexcept override {
    return guarded(Op::kName, false, [&] {
      return supports_combination<Op>(
          place, inputs, outputs,
          [tensors](int at) -> const nvinfer1::PluginTensorDesc& { return tensors[at].desc; });
    });
  }

  std::int32_t configurePlugin(const nvinfer1::DynamicPluginTensorDesc*, std::int32_t inputs,
                               const nvinfer1::DynamicPluginTensorDesc*,
                               std::int32_t) noexcept override {
    return guarded(Op::kName, kFailed, [&] { return state_.set_inputs(inputs), kDone; });
  }

  std::size_t getWorkspaceSize(const nvinfer1::DynamicPluginTensorDesc* inputs,
                               std::int32_t input_count,
                               const nvinfer1::DynamicPluginTensorDesc* outputs,
                               std::int32_t output_count) const noexcept override {
    return guarded<std::size_t>(Op::kName, 0, [&] {
      return state_.op.workspace(largest_from(inputs, input_count),
                                 largest_from(outputs, output_count));
    });
  }

#if FARM_ALIASES
  std::int32_t getAliasedInput(std::int32_t output) noexcept override {
    return guarded(Op::kName, -1, [&] { return state_.op.alias(output); });
  }
#endif

  // Shapes that TensorRT settled must be those the operator gives for them.
  std::int32_t onShapeChange(const nvinfer1::PluginTensorDesc* inputs, std::int32_t input_count,
                             const nvinfer1::PluginTensorDesc* outputs,
                             std::int32_t output_count) noexcept override {
    return guarded(Op::kName, kFailed, [&] {
      state_.set_inputs(input_count);
      require(agree(tensors_from(inputs, nullptr, input_count),
                    tensors_from(outputs, nullptr, output_count)),
              "was given outputs of other shapes than its own");
      return kDone;
    });
  }

  std::int32_t enqueue(const nvinfer1::PluginTensorDesc* input_descs,
                       const nvinfer1::PluginTensorDesc* output_descs, const void* const* inputs,
                       void* const* outputs, void* workspace,
                       cudaStream_t stream) noexcept override {
    return guarded(Op::kName, kFailed, [&] {
      const Call call{tensors_from(input_descs, inputs, state_.inputs),
                      tensors_from(output_descs, outputs, Op::kOutputs), workspace, stream};
      return status_of(state_.op.enqueue(call));
    });
  }

  nvinfer1::IPluginV3* attachToContext(nvinfer1::IPluginResourceContext*) noexcept override {
    return clone();
  }

  const nvinfer1::PluginFieldCollection* getFieldsToSerialize() noexcept override {
    return guarded<const nvinfer1::PluginFieldCollection*>(Op::kName, nullptr, [&] {
      fields_.set(state_.plan_attributes(), Source::kPlan);
      return fields_.collection();
    });
  }

 private:
  static constexpr std::int32_t kDone = 0;
  static constexpr std::int32_t kFailed = 1;

  static bool aliases(const Op& op) {
    for (int output = 0; output < Op::kOutputs; ++output) {
      if (op.alias(output) >= 0) return true;
    }
    return false;
  }

  bool agree(const Tensors& inputs, const Tensors& outputs) const {
    const Shapes shapes = Description<Op>::shapes(state_.op, shapes_of(inputs));
    return shapes_of(outputs) == shapes;
  }

  State<Op> state_;
  Fields fields_;
};

template <class Op>
class CreatorV3 final : public nvinfer1::IPluginCreatorV3One {
 public:
  const char* getPluginName() const noexcept override { return Op::kName; }
  const char* getPluginVersion() const noexcept override { return Op::kVersion; }
  const char* getPluginNamespace() const noexcept override { return ""; }

  const nvinfer1::PluginFieldCollection* getFieldNames() noexcept override {
    return guarded<const nvinfer1::PluginFieldCollection*>(Op::kName, nullptr, [&] {
      State<Op> state;
      fields_.set(state.graph_attributes(), Source::kGraph);
      return fields_.collection();
    });
  }

  nvinfer1::IPluginV3* createPlugin(const char*, const nvinfer1::PluginFieldCollection* fields,
                                    nvinfer1::TensorRTPhase phase) noexcept override {
    return guarded<nvinfer1::IPluginV3*>(Op::kName, nullptr, [&] {
      const bool from_plan = phase == nvinfer1::TensorRTPhase::kRUNTIME;
      return new PluginV3<Op>(from_plan ? State<Op>::from_plan(fields)
                                        : State<Op>::from_graph(fields));
    });
  }

 private:
  Fields fields_;
};

}  // namespace farm
