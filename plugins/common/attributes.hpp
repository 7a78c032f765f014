#pragma once

// The attributes of an operator: bound to members of its struct, read by name, checked, written
// down and read again.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace farm {

// What TensorRT and a serialized plan know of an attribute: whole numbers, floating-point numbers,
// or a word.
using Value = std::variant<std::vector<std::int32_t>, std::vector<float>, std::string>;

// The values an attribute may have, both ends included; each of them for an attribute that holds
// several.
struct Range {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
};

constexpr Range at_least(double least) { return {least, std::numeric_limits<double>::infinity()}; }
constexpr Range between(double least, double most) { return {least, most}; }

struct Attribute {
  std::string name;
  bool required;
  std::function<Value()> get;
  // Throws std::invalid_argument where the value does not fit, and then changes nothing.
  std::function<void(const Value&)> set;
};

namespace attribute_detail {

// Those of the value, which outlives the call. Not a copy: GCC 13 believes that one writes beyond
// its end.
template <class Number>
const std::vector<Number>& numbers(const Value& value, std::size_t count, Range range) {
  const auto* found = std::get_if<std::vector<Number>>(&value);
  if (found == nullptr)
    throw std::invalid_argument(std::is_same_v<Number, float> ? "must be a floating-point number"
                                                              : "must be a whole number");
  if (found->size() != count)
    throw std::invalid_argument("must hold " + std::to_string(count) + " and holds " +
                                std::to_string(found->size()));
  for (const Number number : *found) {
    const auto exact = static_cast<double>(number);
    if (!(exact >= range.least && exact <= range.most))
      throw std::invalid_argument("may not be " + std::to_string(number));
  }
  return *found;
}

template <class Number>
struct Binding {
  static Value get(const Number& member) { return std::vector<Number>{member}; }
  static void set(Number& member, const Value& value, Range range) {
    member = numbers<Number>(value, 1, range)[0];
  }
};

template <>
struct Binding<bool> {
  static Value get(bool member) { return std::vector<std::int32_t>{member ? 1 : 0}; }
  static void set(bool& member, const Value& value, Range) {
    member = numbers<std::int32_t>(value, 1, between(0, 1))[0] != 0;
  }
};

template <class Number, std::size_t kCount>
struct Binding<std::array<Number, kCount>> {
  static Value get(const std::array<Number, kCount>& member) {
    return std::vector<Number>(member.begin(), member.end());
  }
  static void set(std::array<Number, kCount>& member, const Value& value, Range range) {
    const auto& found = numbers<Number>(value, kCount, range);
    for (std::size_t place = 0; place < kCount; ++place) member[place] = found[place];
  }
};

}  // namespace attribute_detail

// The attributes of one operator, each bound to a member that outlives the list.
class Attributes {
 public:
  // An attribute that keeps the value its member has where the graph says nothing.
  // The member is int32_t, float, bool (0 or 1 in the graph), or a std::array of the first two.
  template <class Member>
  void optional(const char* name, Member& member, Range range = {}) {
    add(name, member, range, false);
  }

  // An attribute without which the operator is refused.
  template <class Member>
  void required(const char* name, Member& member, Range range = {}) {
    add(name, member, range, true);
  }

  // An attribute that is one of the words, in the order of the enumeration; `required` as above.
  template <class Enum>
  void word(const char* name, Enum& member, std::vector<std::string> words, bool required = false) {
    auto get = [&member, words]() -> Value { return words.at(static_cast<std::size_t>(member)); };
    auto set = [&member, words](const Value& value) {
      const auto* found = std::get_if<std::string>(&value);
      if (found == nullptr) throw std::invalid_argument("must be a word");
      for (std::size_t place = 0; place < words.size(); ++place) {
        if (words[place] != *found) continue;
        member = static_cast<Enum>(place);
        return;
      }
      throw std::invalid_argument("may not be \"" + *found + "\"");
    };
    list_.push_back({name, required, std::move(get), std::move(set)});
  }

  const std::vector<Attribute>& list() const { return list_; }

  // Sets the attribute of that name. Throws std::invalid_argument, with its name, for a value that
  // does not fit.
  void set(const std::string& name, const Value& value) const {
    for (const Attribute& attribute : list_) {
      if (attribute.name != name) continue;
      try {
        attribute.set(value);
      } catch (const std::invalid_argument& wrong) {
        throw std::invalid_argument("attribute " + name + " " + wrong.what());
      }
      return;
    }
    throw std::invalid_argument("there is no attribute " + name);
  }

 private:
  template <class Member>
  void add(const char* name, Member& member, Range range, bool required) {
    using Bound = attribute_detail::Binding<Member>;
    auto get = [&member] { return Bound::get(member); };
    auto set = [&member, range](const Value& value) { Bound::set(member, value, range); };
    list_.push_back({name, required, std::move(get), std::move(set)});
  }

  std::vector<Attribute> list_;
};

}  // namespace farm
