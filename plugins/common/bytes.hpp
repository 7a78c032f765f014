#pragma once

// Attributes as bytes, which is how a version 2 plugin is written into a plan: a mark, then each
// attribute with its name. Little-endian, as every machine is that TensorRT runs on.

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "common/attributes.hpp"

namespace farm {

constexpr std::uint32_t kBytesMark = 0x4d524146;  // "FARM"

class ByteWriter {
 public:
  void number(std::uint32_t value) { raw(&value, sizeof value); }
  void raw(const void* data, std::size_t size) {
    const auto* first = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }
  // Strings, and vectors of numbers.
  template <class Sequence>
  void sequence(const Sequence& values) {
    number(static_cast<std::uint32_t>(values.size()));
    raw(values.data(), values.size() * sizeof values[0]);
  }
  std::vector<char> take() { return std::move(bytes_); }

 private:
  std::vector<char> bytes_;
};

class ByteReader {
 public:
  ByteReader(const void* data, std::size_t size)
      : next_(static_cast<const char*>(data)), left_(size) {}

  std::uint32_t number() {
    std::uint32_t value;
    raw(&value, sizeof value);
    return value;
  }
  template <class Sequence>
  Sequence sequence() {
    using Element = typename Sequence::value_type;
    const std::size_t count = number();
    if (count > left_ / sizeof(Element))
      throw std::invalid_argument("the plan is cut off within its attributes");
    Sequence values(count, Element{});
    raw(values.data(), count * sizeof(Element));
    return values;
  }
  std::size_t left() const { return left_; }

 private:
  void raw(void* to, std::size_t size) {
    if (size > left_) throw std::invalid_argument("the plan is cut off within its attributes");
    if (size > 0) std::memcpy(to, next_, size);
    next_ += size;
    left_ -= size;
  }

  const char* next_;
  std::size_t left_;
};

inline std::vector<char> to_bytes(const Attributes& attributes) {
  ByteWriter writer;
  writer.number(kBytesMark);
  writer.number(static_cast<std::uint32_t>(attributes.list().size()));
  for (const Attribute& attribute : attributes.list()) {
    const Value value = attribute.get();
    writer.sequence(attribute.name);
    writer.number(static_cast<std::uint32_t>(value.index()));
    std::visit([&writer](const auto& values) { writer.sequence(values); }, value);
  }
  return writer.take();
}

// Gives the attributes the values in the bytes. Throws std::invalid_argument where they are not
// those of `to_bytes`.
inline void from_bytes(const Attributes& attributes, const void* data, std::size_t size) {
  ByteReader reader(data, size);
  if (reader.number() != kBytesMark)
    throw std::invalid_argument("the plan was not made with this plugin");
  if (reader.number() != attributes.list().size())
    throw std::invalid_argument("the plan was made with other attributes");
  for (const Attribute& attribute : attributes.list()) {
    if (reader.sequence<std::string>() != attribute.name)
      throw std::invalid_argument("the plan lacks the attribute " + attribute.name);
    switch (reader.number()) {
      case 0:
        attributes.set(attribute.name, reader.sequence<std::vector<std::int32_t>>());
        break;
      case 1:
        attributes.set(attribute.name, reader.sequence<std::vector<float>>());
        break;
      case 2:
        attributes.set(attribute.name, reader.sequence<std::string>());
        break;
      default:
        throw std::invalid_argument("the plan has an attribute of an unknown kind");
    }
  }
  if (reader.left() != 0)
    throw std::invalid_argument("the plan has more than the attributes of this plugin");
}

}  // namespace farm
