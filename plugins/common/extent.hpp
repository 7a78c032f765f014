#pragma once

// Shapes of outputs, as expressions over the shapes of inputs.

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/trt_version.hpp"

namespace farm {

// One dimension: a number, or an expression over dimensions of inputs that TensorRT evaluates once
// it knows them. Arithmetic on numbers alone is done at once, so that a shape can also be asked for
// with sizes that are known.
class Extent {
 public:
  // Implicit, so that attributes and dimensions mix.
  Extent(std::int64_t number) : number_(number) {}
  Extent(const nvinfer1::IDimensionExpr& expression, nvinfer1::IExprBuilder& builder)
      : expression_(&expression), builder_(&builder) {
    if (expression.isConstant()) {
      number_ = expression.getConstantValue();
      expression_ = nullptr;
    }
  }

  bool known() const { return expression_ == nullptr; }

  // The number. Throws std::logic_error where it is only known later.
  std::int64_t number() const {
    if (!known()) throw std::logic_error("this dimension is only known at run time");
    return number_;
  }

  const nvinfer1::IDimensionExpr& expression(nvinfer1::IExprBuilder& builder) const {
    if (!known()) return *expression_;
    if (number_ > std::numeric_limits<StoredDimension>::max())
      throw std::range_error("a dimension is too large for this TensorRT: " +
                             std::to_string(number_));
    return *builder.constant(static_cast<StoredDimension>(number_));
  }

  // Of numbers; dimensions that are only known later are equal where TensorRT has one expression
  // for them.
  friend bool operator==(const Extent& a, const Extent& b) {
    return a.expression_ == b.expression_ && (!a.known() || a.number_ == b.number_);
  }
  friend Extent operator+(const Extent& a, const Extent& b) {
    if (a.known() && b.known()) return a.number_ + b.number_;
    return symbolic(nvinfer1::DimensionOperation::kSUM, a, b);
  }
  friend Extent operator-(const Extent& a, const Extent& b) {
    if (a.known() && b.known()) return a.number_ - b.number_;
    return symbolic(nvinfer1::DimensionOperation::kSUB, a, b);
  }
  friend Extent operator*(const Extent& a, const Extent& b) {
    if (a.known() && b.known()) return a.number_ * b.number_;
    return symbolic(nvinfer1::DimensionOperation::kPROD, a, b);
  }
  // Rounds down.
  friend Extent operator/(const Extent& a, const Extent& b) {
    if (b.known() && b.number_ <= 0)
      throw std::invalid_argument("a dimension is divided by less than one");
    if (a.known() && b.known())
      return (a.number_ - (a.number_ < 0 ? b.number_ - 1 : 0)) / b.number_;
    return symbolic(nvinfer1::DimensionOperation::kFLOOR_DIV, a, b);
  }
  friend Extent smaller(const Extent& a, const Extent& b) {
    if (a.known() && b.known()) return a.number_ < b.number_ ? a : b;
    return symbolic(nvinfer1::DimensionOperation::kMIN, a, b);
  }
  friend Extent larger(const Extent& a, const Extent& b) {
    if (a.known() && b.known()) return a.number_ > b.number_ ? a : b;
    return symbolic(nvinfer1::DimensionOperation::kMAX, a, b);
  }

 private:
  static Extent symbolic(nvinfer1::DimensionOperation operation, const Extent& a, const Extent& b) {
    nvinfer1::IExprBuilder& builder = a.known() ? *b.builder_ : *a.builder_;
    const auto* made = builder.operation(operation, a.expression(builder), b.expression(builder));
    if (made == nullptr)
      throw std::invalid_argument("TensorRT made no expression of two dimensions");
    return Extent(*made, builder);
  }

  std::int64_t number_ = 0;
  const nvinfer1::IDimensionExpr* expression_ = nullptr;
  nvinfer1::IExprBuilder* builder_ = nullptr;
};

using Shape = std::vector<Extent>;
using Shapes = std::vector<Shape>;

// Whether two dimensions may be equal: what is only known at run time is looked at then.
inline bool may_equal(const Extent& a, const Extent& b) {
  return !a.known() || !b.known() || a.number() == b.number();
}

// The place of an axis that may be counted from the end. Throws std::invalid_argument where there
// is none.
inline int axis_of(std::int64_t axis, std::size_t rank) {
  const auto limit = static_cast<std::int64_t>(rank);
  if (axis < -limit || axis >= limit)
    throw std::invalid_argument("there is no axis " + std::to_string(axis) + " in " +
                                std::to_string(rank) + " dimensions");
  return static_cast<int>(axis < 0 ? axis + limit : axis);
}

// Throws std::invalid_argument with the sentence where the condition does not hold.
inline void require(bool condition, const char* sentence) {
  if (!condition) throw std::invalid_argument(sentence);
}

}  // namespace farm
