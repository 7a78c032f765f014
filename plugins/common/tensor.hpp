#pragma once

// Tensors as kernels want them: plain pointers with types and sizes, the same for every TensorRT.

#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace farm {

constexpr int kMaxRank = 8;      // TensorRT's own limit
constexpr int kMaxTensors = 16;  // inputs, or outputs, of one operator

enum class Type : std::int8_t {
  kNone,
  kFloat32,
  kFloat16,
  kBFloat16,
  kInt8,
  kInt32,
  kInt64,
  kBool,
  kOther
};
enum class Format : std::int8_t { kLinear, kHwc, kHwc8, kChw32, kOther };

// What one tensor may be. Linear where nothing else is said.
struct Kind {
  Type type = Type::kNone;
  Format format = Format::kLinear;

  constexpr Kind() = default;
  constexpr Kind(Type of, Format in = Format::kLinear) : type(of), format(in) {}
  constexpr bool operator==(const Kind& other) const {
    return type == other.type && format == other.format;
  }
};

// One combination that the kernels can do: the kinds of all inputs, optional ones too, then of all
// outputs.
struct Signature {
  Kind inputs[kMaxTensors];
  Kind outputs[kMaxTensors];
};

template <class T>
constexpr Type type_of() {
  using Plain = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<Plain, float>)
    return Type::kFloat32;
  else if constexpr (std::is_same_v<Plain, __half>)
    return Type::kFloat16;
  else if constexpr (std::is_same_v<Plain, std::int8_t>)
    return Type::kInt8;
  else if constexpr (std::is_same_v<Plain, std::int32_t>)
    return Type::kInt32;
  else if constexpr (std::is_same_v<Plain, std::int64_t>)
    return Type::kInt64;
  else if constexpr (std::is_same_v<Plain, bool>)
    return Type::kBool;
  else
    static_assert(!sizeof(T), "no tensor holds this type");
}

struct Tensor {
  Type type = Type::kNone;
  Format format = Format::kLinear;
  int rank = 0;
  std::int64_t dims[kMaxRank] = {};
  void* data = nullptr;

  // The number of elements along the axes from `first` to before `last`; 1 where there are none.
  std::int64_t count(int first, int last) const {
    std::int64_t product = 1;
    for (int axis = first; axis < last; ++axis) product *= dims[axis];
    return product;
  }
  std::int64_t count() const { return count(0, rank); }

  // The elements, of an input as `as<const T>()`. Throws std::logic_error where they are of another
  // type.
  template <class T>
  T* as() const {
    if (type != type_of<T>())
      throw std::logic_error("a tensor is not of the type its kernel is for");
    return static_cast<T*>(data);
  }
};

// The inputs or outputs of one call, without memory of their own to ask for.
class Tensors {
 public:
  int size() const { return size_; }
  // Whether an optional tensor is there.
  bool has(int place) const { return place < size_; }
  const Tensor& operator[](int place) const {
    if (place < 0 || place >= size_)
      throw std::out_of_range("there is no tensor " + std::to_string(place));
    return tensors_[place];
  }
  // The elements of an optional tensor, or null where it is not there.
  template <class T>
  T* as_optional(int place) const {
    return has(place) ? tensors_[place].as<T>() : nullptr;
  }
  void add(const Tensor& tensor) {
    if (size_ == kMaxTensors)
      throw std::length_error("a plugin has at most 16 inputs and 16 outputs");
    tensors_[size_++] = tensor;
  }

 private:
  int size_ = 0;
  Tensor tensors_[kMaxTensors];
};

// What one execution is given.
struct Call {
  Tensors inputs;
  Tensors outputs;
  void* workspace = nullptr;
  cudaStream_t stream = nullptr;
};

// Calls `body` with a value of the one of `Types` that `type` names, whose only use is `decltype`.
// Throws std::logic_error for any other type, which `supports` has refused before.
template <class... Types, class Body>
cudaError_t with_type(Type type, Body&& body) {
  cudaError_t result = cudaErrorInvalidValue;
  const bool found = ((type == type_of<Types>() && ((result = body(Types{})), true)) || ...);
  if (!found) throw std::logic_error("there is no kernel for the type of a tensor");
  return result;
}

}  // namespace farm
