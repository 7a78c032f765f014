#include "play.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "common/trt_version.hpp"
#include "memory.hpp"

namespace farm::harness {
namespace {

using nvinfer1::PluginCapabilityType;
using nvinfer1::TensorFormat;
using nvinfer1::TensorRTPhase;

nvinfer1::Dims dims_of(const std::vector<std::int64_t>& sizes) {
  nvinfer1::Dims dims{};
  dims.nbDims = static_cast<std::int32_t>(sizes.size());
  std::copy(sizes.begin(), sizes.end(), dims.d);
  return dims;
}

template <class Capability>
Capability& capability(nvinfer1::IPluginV3& plugin, PluginCapabilityType type) {
  auto* found = static_cast<Capability*>(plugin.getCapabilityInterface(type));
  expect(found != nullptr, "the plugin lacks a capability");
  return *found;
}

std::vector<Field> copied(const nvinfer1::PluginFieldCollection* fields) {
  expect(fields != nullptr, "the plugin gives nothing to write into a plan");
  std::vector<Field> copies;
  for (std::int32_t place = 0; place < fields->nbFields; ++place) {
    const nvinfer1::PluginField& field = fields->fields[place];
    expect(field.type == nvinfer1::PluginFieldType::kCHAR ||
               field.type == nvinfer1::PluginFieldType::kINT32 ||
               field.type == nvinfer1::PluginFieldType::kFLOAT32,
           "the plugin writes a field of a kind that no attribute has");
    const std::size_t each = field.type == nvinfer1::PluginFieldType::kCHAR ? 1 : 4;
    const auto* first = static_cast<const char*>(field.data);
    copies.push_back({field.name,
                      field.type,
                      {first, first + each * static_cast<std::size_t>(field.length)},
                      field.length});
  }
  return copies;
}

bool same(const std::vector<Field>& one, const std::vector<Field>& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](const Field& a, const Field& b) {
                      return a.name == b.name && a.type == b.type && a.bytes == b.bytes;
                    });
}

std::vector<nvinfer1::PluginTensorDesc> described(const std::vector<Given>& tensors) {
  std::vector<nvinfer1::PluginTensorDesc> descs;
  for (const Given& tensor : tensors)
    descs.push_back({dims_of(tensor.actual), tensor.type, TensorFormat::kLINEAR, 0.0F});
  return descs;
}

std::int32_t count(const std::vector<Given>& tensors) {
  return static_cast<std::int32_t>(tensors.size());
}

}  // namespace

void expect(bool condition, const std::string& sentence) {
  if (!condition) throw std::runtime_error(sentence);
}

Play::Play(const Library& plugins, Order order) : plugins_(plugins), order_(std::move(order)) {}

nvinfer1::IPluginCreatorV3One& Play::creator() const {
  std::int32_t number = 0;
  nvinfer1::IPluginCreatorInterface* const* list = plugins_.creators(number);
  for (std::int32_t place = 0; place < number; ++place) {
    expect(std::string(list[place]->getInterfaceInfo().kind) == "PLUGIN CREATOR_V3ONE",
           "a creator is of another kind");
    auto& creator = static_cast<nvinfer1::IPluginCreatorV3One&>(*list[place]);
    if (creator.getPluginName() != order_.name) continue;
    expect(std::string(creator.getPluginNamespace()).empty(),
           "the creator is not where the parser looks");
    expect(std::string(creator.getPluginVersion()) == "1",
           "the creator is not of the version the parser looks for");
    return creator;
  }
  throw std::runtime_error("the library has no creator named " + order_.name);
}

// The parser copies what the creator declares, and nothing else.
std::vector<Field> Play::declared() const {
  const nvinfer1::PluginFieldCollection* names = creator().getFieldNames();
  expect(names != nullptr, "the creator does not say which attributes it takes");
  std::vector<Field> found;
  for (const Field& field : order_.fields) {
    const auto* end = names->fields + names->nbFields;
    const bool known =
        std::any_of(names->fields, end, [&](const auto& name) { return field.name == name.name; });
    expect(known, "the creator does not take the attribute " + field.name);
    found.push_back(field);
  }
  return found;
}

Play::Plugin Play::made(const std::vector<Field>& fields, TensorRTPhase phase) const {
  std::vector<nvinfer1::PluginField> seen;
  for (const Field& field : fields) seen.push_back(field.seen());
  const nvinfer1::PluginFieldCollection collection{static_cast<std::int32_t>(seen.size()),
                                                   seen.data()};
  Plugin plugin(creator().createPlugin(order_.name.c_str(), &collection, phase));
  expect(plugin != nullptr, "the creator makes no plugin");
  return plugin;
}

void Play::build() {
  Plugin first = made(declared(), TensorRTPhase::kBUILD);
  Plugin plugin(first->clone());
  expect(plugin != nullptr, "the plugin has no copy");
  first.reset();

  auto& core = capability<nvinfer1::IPluginV3OneCore>(*plugin, PluginCapabilityType::kCORE);
  expect(core.getPluginName() == order_.name, "the plugin has another name than its creator");
  auto& build = capability<nvinfer1::IPluginV3OneBuild>(*plugin, PluginCapabilityType::kBUILD);
  outputs_.assign(static_cast<std::size_t>(build.getNbOutputs()), Given{});
  ask_types(build);
  ask_shapes(build);
  ask_formats(build);
  const auto descs = descriptions();
  expect(build.configurePlugin(descs.data(), count(order_.inputs),
                               descs.data() + order_.inputs.size(), count(outputs_)) == 0,
         "the plugin refuses its sizes");
  ask_workspace(build);
  Plugin tactic(plugin->clone());
  auto& runtime =
      capability<nvinfer1::IPluginV3OneRuntime>(*tactic, PluginCapabilityType::kRUNTIME);
  plan_ = copied(runtime.getFieldsToSerialize());
}

void Play::ask_types(nvinfer1::IPluginV3OneBuild& build) {
  std::vector<nvinfer1::DataType> given, made(outputs_.size());
  for (const Given& input : order_.inputs) given.push_back(input.type);
  expect(build.getOutputDataTypes(made.data(), count(outputs_), given.data(),
                                  count(order_.inputs)) == 0,
         "the plugin refuses the types of its inputs");
  for (std::size_t place = 0; place < outputs_.size(); ++place) outputs_[place].type = made[place];
}

std::vector<nvinfer1::DimsExprs> Play::asked(nvinfer1::IPluginV3OneBuild& build, Builder& builder,
                                             bool constant) const {
  std::vector<nvinfer1::DimsExprs> inputs, outputs(outputs_.size());
  for (const Given& input : order_.inputs) {
    nvinfer1::DimsExprs dims{};
    for (std::size_t axis = 0; axis < input.actual.size(); ++axis) {
      const auto actual = input.actual[axis];
      dims.d[dims.nbDims++] =
          constant ? builder.constant(actual) : &builder.size(actual, input.most[axis]);
    }
    inputs.push_back(dims);
  }
  expect(build.getOutputShapes(inputs.data(), count(order_.inputs), nullptr, 0, outputs.data(),
                               count(outputs_), builder) == 0,
         "the plugin refuses the shapes of its inputs");
  return outputs;
}

// With sizes that are known later, and again with sizes that are known: both must come to the same.
void Play::ask_shapes(nvinfer1::IPluginV3OneBuild& build) {
  Builder later, now;
  const auto dynamic = asked(build, later, false);
  const auto constant = asked(build, now, true);
  for (std::size_t place = 0; place < outputs_.size(); ++place) {
    expect(dynamic[place].nbDims == constant[place].nbDims,
           "the rank of an output depends on what is known");
    for (std::int32_t axis = 0; axis < dynamic[place].nbDims; ++axis) {
      const Expression& size = Builder::known(*dynamic[place].d[axis]);
      expect(constant[place].d[axis]->isConstant(),
             "an output of known inputs has a size that is not known");
      expect(Builder::known(*constant[place].d[axis]).actual == size.actual,
             "a size depends on what is known");
      expect(size.actual >= 0, "an output has a size below zero");
      outputs_[place].actual.push_back(size.actual);
      outputs_[place].most.push_back(size.most);
    }
  }
}

std::vector<nvinfer1::DynamicPluginTensorDesc> Play::descriptions() const {
  std::vector<nvinfer1::DynamicPluginTensorDesc> descs;
  for (const auto* tensors : {&order_.inputs, &outputs_}) {
    for (const Given& tensor : *tensors) {
      nvinfer1::DynamicPluginTensorDesc desc{};
      desc.desc = {dims_of(tensor.actual), tensor.type, TensorFormat::kLINEAR, 0.0F};
      std::fill_n(desc.desc.dims.d, desc.desc.dims.nbDims, -1);
      desc.min = desc.opt = dims_of(tensor.actual);
      desc.max = dims_of(tensor.most);
      descs.push_back(desc);
    }
  }
  return descs;
}

// All linear is what tests give; a type that is no tensor's here must be refused in each place.
void Play::ask_formats(nvinfer1::IPluginV3OneBuild& build) const {
  auto descs = descriptions();
  for (std::int32_t place = 0; place < static_cast<std::int32_t>(descs.size()); ++place) {
    auto& desc = descs[static_cast<std::size_t>(place)].desc;
    const auto asked = [&] {
      return build.supportsFormatCombination(place, descs.data(), count(order_.inputs),
                                             count(outputs_));
    };
    const nvinfer1::DataType type = std::exchange(desc.type, nvinfer1::DataType::kUINT8);
    expect(!asked(), "the plugin takes any type");
    desc.type = type;
    desc.format = TensorFormat::kDLA_LINEAR;
    expect(!asked(), "the plugin takes any format");
    desc.format = TensorFormat::kLINEAR;
    expect(asked(), "the plugin refuses what it has said it does");
  }
}

// The most there will be, and no less for it than for smaller sizes.
void Play::ask_workspace(nvinfer1::IPluginV3OneBuild& build) {
  auto descs = descriptions();
  const auto asked = [&] {
    return build.getWorkspaceSize(descs.data(), count(order_.inputs),
                                  descs.data() + order_.inputs.size(), count(outputs_));
  };
  workspace_ = asked();
  for (auto& desc : descs) desc.max = desc.min;
  expect(asked() <= workspace_, "the plugin needs more workspace for smaller sizes");
}

void Play::execute(void* const* data, void* workspace, cudaStream_t stream) {
  Plugin read = made(plan_, TensorRTPhase::kRUNTIME);
  auto& before = capability<nvinfer1::IPluginV3OneRuntime>(*read, PluginCapabilityType::kRUNTIME);
  Plugin attached(before.attachToContext(nullptr));
  expect(attached != nullptr, "the plugin cannot be attached to a context");
  read.reset();
  auto& runtime =
      capability<nvinfer1::IPluginV3OneRuntime>(*attached, PluginCapabilityType::kRUNTIME);
  expect(same(copied(runtime.getFieldsToSerialize()), plan_),
         "the plugin was not read as it was written");

  const auto inputs = described(order_.inputs), outputs = described(outputs_);
  expect(runtime.onShapeChange(inputs.data(), count(order_.inputs), outputs.data(),
                               count(outputs_)) == 0,
         "the plugin refuses its sizes when it is executed");
  expect(runtime.enqueue(inputs.data(), outputs.data(), data, data + inputs.size(), workspace,
                         stream) == 0,
         "the plugin cannot be executed");
  execute_in_place(*attached, data, workspace, stream);
}

// Once more for each output that may lie where an input does: it must become what it was in memory
// of its own.
void Play::execute_in_place(nvinfer1::IPluginV3& plugin, void* const* data, void* workspace,
                            cudaStream_t stream) const {
#if FARM_ALIASES
  auto& build =
      capability<nvinfer1::v_1_0::IPluginV3OneBuild>(plugin, PluginCapabilityType::kBUILD);
  if (build.getInterfaceInfo().major < 2) return;
  auto& aliasing = static_cast<nvinfer1::v_2_0::IPluginV3OneBuild&>(build);
  auto& runtime = capability<nvinfer1::IPluginV3OneRuntime>(plugin, PluginCapabilityType::kRUNTIME);
  const auto inputs = described(order_.inputs), outputs = described(outputs_);
  for (std::int32_t output = 0; output < count(outputs_); ++output) {
    const std::int32_t input = aliasing.getAliasedInput(output);
    if (input < 0) continue;
    const std::size_t bytes = bytes_of(outputs_[static_cast<std::size_t>(output)]);
    const Buffer shared(data[input], bytes);
    std::vector<void*> places(data, data + inputs.size() + outputs.size());
    const void* apart =
        std::exchange(places[inputs.size() + static_cast<std::size_t>(output)], shared.data());
    places[static_cast<std::size_t>(input)] = shared.data();
    expect(runtime.enqueue(inputs.data(), outputs.data(), places.data(),
                           places.data() + inputs.size(), workspace, stream) == 0,
           "the plugin cannot be executed in place");
    expect(content(shared.data(), bytes) == content(apart, bytes),
           "in place the output is another one");
  }
#else
  static_cast<void>(plugin), static_cast<void>(data), static_cast<void>(workspace),
      static_cast<void>(stream);
#endif
}

}  // namespace farm::harness
