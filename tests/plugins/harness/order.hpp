// What a test wants played: an operator as it stands in a graph, with the sizes of its inputs.
#pragma once

#include <NvInfer.h>

#include <cstdint>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace farm::harness {

struct Given {
  nvinfer1::DataType type;
  std::vector<std::int64_t> actual;
  std::vector<std::int64_t> most;
};

// A field with memory of its own.
struct Field {
  std::string name;
  nvinfer1::PluginFieldType type;
  std::vector<char> bytes;
  std::int32_t length;

  nvinfer1::PluginField seen() const { return {name.c_str(), bytes.data(), type, length}; }
};

struct Order {
  std::string library;
  std::string name;
  std::vector<Field> fields;
  std::vector<Given> inputs;
};

inline nvinfer1::DataType type_named(const std::string& name) {
  if (name == "float32") return nvinfer1::DataType::kFLOAT;
  if (name == "float16") return nvinfer1::DataType::kHALF;
  if (name == "int8") return nvinfer1::DataType::kINT8;
  if (name == "int32") return nvinfer1::DataType::kINT32;
  if (name == "int64") return nvinfer1::DataType::kINT64;
  if (name == "bool") return nvinfer1::DataType::kBOOL;
  throw std::invalid_argument("there is no type " + name);
}

inline std::string name_of(nvinfer1::DataType type) {
  for (const char* name : {"float32", "float16", "int8", "int32", "int64", "bool"}) {
    if (type_named(name) == type) return name;
  }
  throw std::invalid_argument("the plugin gave an output of a type that tests do not know");
}

inline std::size_t bytes_of(const Given& tensor) {
  std::size_t bytes = tensor.type == nvinfer1::DataType::kHALF ? 2 : 4;
  for (const std::int64_t size : tensor.actual) bytes *= static_cast<std::size_t>(size);
  return bytes;
}

template <class Number>
Field numbers(const std::string& name, nvinfer1::PluginFieldType type, std::istream& words) {
  std::vector<char> bytes;
  std::int32_t length = 0;
  for (Number number; words >> number; ++length) {
    const auto* first = reinterpret_cast<const char*>(&number);
    bytes.insert(bytes.end(), first, first + sizeof number);
  }
  return {name, type, bytes, length};
}

inline Field read_field(std::istream& words) {
  std::string name, kind;
  words >> name >> kind;
  if (kind == "int") return numbers<std::int32_t>(name, nvinfer1::PluginFieldType::kINT32, words);
  if (kind == "float") return numbers<float>(name, nvinfer1::PluginFieldType::kFLOAT32, words);
  std::string word;
  words >> word;
  return {name,
          nvinfer1::PluginFieldType::kCHAR,
          {word.begin(), word.end()},
          static_cast<std::int32_t>(word.size())};
}

inline Given read_input(std::istream& words) {
  std::string type;
  std::size_t rank = 0;
  words >> type >> rank;
  Given given{type_named(type), std::vector<std::int64_t>(rank), std::vector<std::int64_t>(rank)};
  for (auto* sizes : {&given.actual, &given.most}) {
    for (std::int64_t& size : *sizes) words >> size;
  }
  if (!words) throw std::invalid_argument("the sizes of an input are not all there");
  return given;
}

// Lines `library PATH`, `operator NAME`, `field NAME int|float|word VALUE...` and `input TYPE RANK
// SIZE... LARGEST...`.
inline Order read_order(const std::string& text) {
  Order order;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    if (what == "library")
      words >> order.library;
    else if (what == "operator")
      words >> order.name;
    else if (what == "field")
      order.fields.push_back(read_field(words));
    else if (what == "input")
      order.inputs.push_back(read_input(words));
    else
      throw std::invalid_argument("there is no line " + line);
  }
  return order;
}

}  // namespace farm::harness
