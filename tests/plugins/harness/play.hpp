// TensorRT 10, played from the parser to the execution of one operator.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "expressions.hpp"
#include "library.hpp"
#include "order.hpp"

namespace farm::harness {

// Throws std::runtime_error with the sentence where the condition does not hold.
void expect(bool condition, const std::string& sentence);

// One operator on its way: made for a graph, asked by a builder, written into a plan, read again,
// executed.
class Play {
 public:
  Play(const Library& plugins, Order order);

  // Everything up to the plan. Throws std::runtime_error where the plugin does not do its part.
  void build();

  // Reads the plan and executes it once; `data` is inputs, then outputs.
  void execute(void* const* data, void* workspace, cudaStream_t stream);

  // Types and sizes of the outputs, once built.
  const std::vector<Given>& outputs() const { return outputs_; }
  std::size_t workspace() const { return workspace_; }

 private:
  using Plugin = std::unique_ptr<nvinfer1::IPluginV3>;

  nvinfer1::IPluginCreatorV3One& creator() const;
  void execute_in_place(nvinfer1::IPluginV3& plugin, void* const* data, void* workspace,
                        cudaStream_t stream) const;
  Plugin made(const std::vector<Field>& fields, nvinfer1::TensorRTPhase phase) const;
  std::vector<Field> declared() const;
  void ask_types(nvinfer1::IPluginV3OneBuild& build);
  void ask_shapes(nvinfer1::IPluginV3OneBuild& build);
  std::vector<nvinfer1::DimsExprs> asked(nvinfer1::IPluginV3OneBuild& build, Builder& builder,
                                         bool constant) const;
  void ask_formats(nvinfer1::IPluginV3OneBuild& build) const;
  void ask_workspace(nvinfer1::IPluginV3OneBuild& build);
  std::vector<nvinfer1::DynamicPluginTensorDesc> descriptions() const;

  const Library& plugins_;
  Order order_;
  std::vector<Given> outputs_;
  std::size_t workspace_ = 0;
  std::vector<Field> plan_;
};

}  // namespace farm::harness
