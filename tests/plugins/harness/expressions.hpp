// TensorRT's builder of expressions, played: each expression is worked out for two sets of sizes at
// once.
#pragma once

#include <NvInfer.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <stdexcept>

namespace farm::harness {

// A dimension for the sizes that are executed, and for the largest ones. Sizes of inputs are not
// constant.
class Expression final : public nvinfer1::IDimensionExpr, private nvinfer1::apiv::VDimensionExpr {
 public:
  Expression(bool constant, std::int64_t actual, std::int64_t most)
      : actual(actual), most(most), constant_(constant) {
    mImpl = this;
  }

  const std::int64_t actual;
  const std::int64_t most;

  bool isConstant() const override { return constant_; }
  std::int64_t getConstantValue() const override {
    if (!constant_)
      throw std::logic_error("the value of an expression that is not constant was asked for");
    return actual;
  }
  bool isSizeTensor() const override { return false; }

 private:
  bool constant_;
};

class Builder final : public nvinfer1::IExprBuilder, private nvinfer1::apiv::VExprBuilder {
 public:
  Builder() { mImpl = this; }

  // The size of an input along one axis.
  const Expression& size(std::int64_t actual, std::int64_t most) {
    return made_.emplace_back(false, actual, most);
  }

  static const Expression& known(const nvinfer1::IDimensionExpr& expression) {
    return static_cast<const Expression&>(expression);
  }

  const nvinfer1::IDimensionExpr* constant(std::int64_t value) override {
    return &made_.emplace_back(true, value, value);
  }

  const nvinfer1::IDimensionExpr* operation(nvinfer1::DimensionOperation operation,
                                            const nvinfer1::IDimensionExpr& first,
                                            const nvinfer1::IDimensionExpr& second) override {
    const Expression& a = known(first);
    const Expression& b = known(second);
    return &made_.emplace_back(first.isConstant() && second.isConstant(),
                               worked_out(operation, a.actual, b.actual),
                               worked_out(operation, a.most, b.most));
  }

  const nvinfer1::IDimensionExpr* declareSizeTensor(std::int32_t, const nvinfer1::IDimensionExpr&,
                                                    const nvinfer1::IDimensionExpr&) override {
    return nullptr;
  }

 private:
  static std::int64_t worked_out(nvinfer1::DimensionOperation operation, std::int64_t a,
                                 std::int64_t b) {
    using Operation = nvinfer1::DimensionOperation;
    switch (operation) {
      case Operation::kSUM:
        return a + b;
      case Operation::kPROD:
        return a * b;
      case Operation::kMAX:
        return std::max(a, b);
      case Operation::kMIN:
        return std::min(a, b);
      case Operation::kSUB:
        return a - b;
      case Operation::kEQUAL:
        return a == b;
      case Operation::kLESS:
        return a < b;
      case Operation::kFLOOR_DIV:
        return a / b - (a % b != 0 && (a < 0) != (b < 0));
      case Operation::kCEIL_DIV:
        return a / b + (a % b != 0 && (a < 0) == (b < 0));
    }
    throw std::logic_error("there is no such operation on dimensions");
  }

  std::deque<Expression> made_;
};

}  // namespace farm::harness
