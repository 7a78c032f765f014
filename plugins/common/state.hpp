#pragma once

// What a plugin object holds and a plan keeps of it, the same for both generations.

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "common/bytes.hpp"
#include "common/fields.hpp"
#include "common/plugin.hpp"

namespace farm {

// The form in which plans keep attributes. A plan with another one is refused.
constexpr std::int32_t kForm = 1;

template <class Op>
struct State {
  Op op;
  // How many inputs the graph gave, which TensorRT does not say when it executes.
  std::int32_t inputs = Description<Op>::kMostInputs;
  std::int32_t form = kForm;

  // What a graph may say. Bound to this object, as is the next.
  Attributes graph_attributes() {
    Attributes list;
    op.attributes(list);
    return list;
  }

  Attributes plan_attributes() {
    Attributes list = graph_attributes();
    list.required("farm_form", form, between(kForm, kForm));
    list.required("farm_inputs", inputs,
                  between(Description<Op>::kLeastInputs, Description<Op>::kMostInputs));
    return list;
  }

  void set_inputs(int count) {
    Description<Op>::check_inputs(count);
    inputs = count;
  }

  static State from_graph(const nvinfer1::PluginFieldCollection* fields) {
    State state;
    read_fields(state.graph_attributes(), fields, Source::kGraph);
    state.op.check();
    return state;
  }

  static State from_plan(const nvinfer1::PluginFieldCollection* fields) {
    return checked(
        [fields](State& state) { read_fields(state.plan_attributes(), fields, Source::kPlan); });
  }

  static State from_plan(const void* data, std::size_t size) {
    return checked([=](State& state) { from_bytes(state.plan_attributes(), data, size); });
  }

 private:
  template <class Read>
  static State checked(Read&& read) {
    State state;
    try {
      read(state);
      state.op.check();
    } catch (const std::invalid_argument& wrong) {
      throw std::invalid_argument(std::string(wrong.what()) +
                                  "; another version of this plugin made the plan: build it again");
    }
    return state;
  }
};

// The status that TensorRT is given for an execution. Throws std::runtime_error where CUDA refused
// it.
inline std::int32_t status_of(cudaError_t error) {
  if (error == cudaSuccess) return 0;
  throw std::runtime_error(std::string("could not be executed: ") + cudaGetErrorString(error));
}

}  // namespace farm
