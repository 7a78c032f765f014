#pragma once

// Attributes as TensorRT's fields: what a creator asks for, what it is given, and what a version 3
// plugin writes down.

#include <set>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "common/attributes.hpp"
#include "common/trt_values.hpp"

namespace farm {

// Whether the fields come from a graph, where optional ones may be left out, or from a plan, which
// has them all.
enum class Source { kGraph, kPlan };

// Gives the attributes the values of the fields.
// Throws std::invalid_argument for a field that fits none, or where one is missing or given twice.
inline void read_fields(const Attributes& attributes, const nvinfer1::PluginFieldCollection* fields,
                        Source source) {
  std::set<std::string> given;
  for (int place = 0; fields != nullptr && place < fields->nbFields; ++place) {
    const nvinfer1::PluginField& field = fields->fields[place];
    if (!given.insert(field.name).second)
      throw std::invalid_argument("attribute " + std::string(field.name) + " is given twice");
    attributes.set(field.name, value_from(field));
  }
  for (const Attribute& attribute : attributes.list()) {
    if ((attribute.required || source == Source::kPlan) && given.count(attribute.name) == 0)
      throw std::invalid_argument("attribute " + attribute.name + " is missing");
  }
}

// Fields with memory of their own, which stays where it is until the object goes.
class Fields {
 public:
  Fields() = default;
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // Replaces what was there: names and kinds alone for what a graph may say, with values for a
  // plan.
  void set(const Attributes& attributes, Source source) {
    names_.clear();
    values_.clear();
    for (const Attribute& attribute : attributes.list()) {
      names_.push_back(attribute.name);
      values_.push_back(attribute.get());
    }
    fields_.clear();
    for (std::size_t place = 0; place < names_.size(); ++place) {
      nvinfer1::PluginField field =
          std::visit([](const auto& value) { return kind_and_data(value); }, values_[place]);
      field.name = names_[place].c_str();
      if (source == Source::kGraph) field.data = nullptr;
      fields_.push_back(field);
    }
    collection_.nbFields = static_cast<std::int32_t>(fields_.size());
    collection_.fields = fields_.data();
  }

  const nvinfer1::PluginFieldCollection* collection() const { return &collection_; }

 private:
  static nvinfer1::PluginField kind_and_data(const std::vector<std::int32_t>& value) {
    return {nullptr, value.data(), nvinfer1::PluginFieldType::kINT32,
            static_cast<std::int32_t>(value.size())};
  }
  static nvinfer1::PluginField kind_and_data(const std::vector<float>& value) {
    return {nullptr, value.data(), nvinfer1::PluginFieldType::kFLOAT32,
            static_cast<std::int32_t>(value.size())};
  }
  static nvinfer1::PluginField kind_and_data(const std::string& value) {
    return {nullptr, value.data(), nvinfer1::PluginFieldType::kCHAR,
            static_cast<std::int32_t>(value.size())};
  }

  std::vector<std::string> names_;
  std::vector<Value> values_;
  std::vector<nvinfer1::PluginField> fields_;
  nvinfer1::PluginFieldCollection collection_{};
};

}  // namespace farm
