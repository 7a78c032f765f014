#pragma once

// How an operator is described: one struct, from which `plugin_v2.hpp` and `plugin_v3.hpp` make a
// plugin.
//
//   struct Cummax : farm::Operator {
//     static constexpr char kName[] = "cummax";                      // the op_type in the graph
//     static constexpr Signature kSignatures[] = {                   // what the kernels can do
//         {{Type::kFloat32}, {Type::kFloat32, Type::kInt32}},
//     };
//     static constexpr int kOutputs = 2;
//     std::int32_t dim = 0;                                          // attributes are members
//
//     void attributes(Attributes& list) { list.optional("dim", dim); }
//     Shapes shapes(const Shapes& inputs) const { return {inputs[0], inputs[0]}; }
//     cudaError_t enqueue(const Call& call) const { ... }            // one launcher of kernel.hpp
//   };
//   FARM_EXPORT_PLUGINS(Cummax)                                      // of export.hpp
//
// Every function may throw: the adapters turn an exception into TensorRT's way of failing, with its
// sentence logged.

#include <cstddef>

#include "common/attributes.hpp"
#include "common/extent.hpp"
#include "common/tensor.hpp"

namespace farm {

// What an operator is unless its struct says otherwise.
struct Operator {
  static constexpr char kVersion[] = "1";
  // How many of the last inputs of a signature a graph may leave out.
  static constexpr int kOptionalInputs = 0;

  // Binds the members that are attributes; called on objects of their own, before anything else.
  void attributes(Attributes&) {}

  // Throws std::invalid_argument for values of attributes that do not go together.
  void check() const {}

  // Bytes that one execution needs, 256-byte aligned when it gets them. Sizes are the largest there
  // will be, so it may not shrink when a size grows.
  std::size_t workspace(const Tensors& /*inputs*/, const Tensors& /*outputs*/) const { return 0; }

  // The input whose memory an output may share, so that the kernel writes in place; -1 for memory
  // of its own. Asked from TensorRT 10.3 on, which refuses a network with an alias unless its
  // preview feature ALIASED_PLUGIN_IO_10_03 is on: leave it to an attribute.
  int alias(int /*output*/) const { return -1; }
};

// How many inputs or outputs a signature has.
constexpr int count_of(const Kind (&kinds)[kMaxTensors]) {
  int count = 0;
  while (count < kMaxTensors && kinds[count].type != Type::kNone) ++count;
  return count;
}

// What `Op` says of itself as a whole, looked up by the adapters.
template <class Op>
struct Description {
  static constexpr int kMostInputs = count_of(Op::kSignatures[0].inputs);
  static constexpr int kLeastInputs = kMostInputs - Op::kOptionalInputs;

  static constexpr bool consistent() {
    for (const Signature& signature : Op::kSignatures) {
      if (count_of(signature.inputs) != kMostInputs || count_of(signature.outputs) != Op::kOutputs)
        return false;
    }
    return kLeastInputs >= 0;
  }
  static_assert(consistent(), "every signature names all inputs and all outputs");

  static void check_inputs(int count) {
    if (count < kLeastInputs || count > kMostInputs) {
      const auto most = kMostInputs == kLeastInputs ? "" : " to " + std::to_string(kMostInputs);
      throw std::invalid_argument("has " + std::to_string(count) + " inputs and takes " +
                                  std::to_string(kLeastInputs) + most);
    }
  }

  // Whether the tensors so far, inputs before outputs, begin a combination that the kernels can do.
  static bool supports(const Kind* kinds, int known, int inputs) {
    for (const Signature& signature : Op::kSignatures) {
      int place = 0;
      while (place < known && kinds[place] == (place < inputs ? signature.inputs[place]
                                                              : signature.outputs[place - inputs]))
        ++place;
      if (place == known) return true;
    }
    return false;
  }

  // The signature whose inputs have these types, or null.
  static const Signature* of_inputs(const Type* types, int count) {
    for (const Signature& signature : Op::kSignatures) {
      int place = 0;
      while (place < count && types[place] == signature.inputs[place].type) ++place;
      if (place == count) return &signature;
    }
    return nullptr;
  }

  // The shapes of the outputs, as many as there are.
  static Shapes shapes(const Op& op, const Shapes& inputs) {
    check_inputs(static_cast<int>(inputs.size()));
    Shapes made = op.shapes(inputs);
    if (made.size() != static_cast<std::size_t>(Op::kOutputs))
      throw std::logic_error("gave shapes of too few or too many outputs");
    return made;
  }
};

}  // namespace farm
