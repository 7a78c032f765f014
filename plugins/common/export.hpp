#pragma once

// How TensorRT finds the creators of a library.
//
// From 8.6 on `IPluginRegistry::loadLibrary` asks exported functions for them and registers them
// itself; a library that had also registered them on its own would be refused. 8.5 has no such
// call: there the library registers them when it is opened, which takes `getPluginRegistry`, the
// only symbol of libnvinfer that any of this needs.

#include <cstddef>
#include <cstdint>
#include <tuple>

#include "common/report.hpp"
#if FARM_PLUGIN_V3
#include "common/plugin_v3.hpp"
#else
#include "common/plugin_v2.hpp"
#endif

namespace farm {

#if FARM_PLUGIN_V3
template <class Op>
using Creator = CreatorV3<Op>;
using CreatorInterface = nvinfer1::IPluginCreatorInterface;
#else
template <class Op>
using Creator = CreatorV2<Op>;
using CreatorInterface = nvinfer1::IPluginCreator;
#endif

// The creators of a library, which live as long as it is loaded.
template <class... Ops>
CreatorInterface* const* creators(std::int32_t& count) noexcept {
  static std::tuple<Creator<Ops>...> made;
  static CreatorInterface* const list[] = {&std::get<Creator<Ops>>(made)...};
  count = static_cast<std::int32_t>(sizeof...(Ops));
  return list;
}

#if !FARM_LOADS_CREATORS
// Registers the creators while the library is being opened.
template <class... Ops>
struct Registration {
  Registration() noexcept {
    std::int32_t count = 0;
    CreatorInterface* const* list = creators<Ops...>(count);
    for (std::int32_t place = 0; place < count; ++place) {
      if (!getPluginRegistry()->registerCreator(*list[place], ""))
        report(list[place]->getPluginName(), "is registered already, by another library");
    }
  }
};
#endif

}  // namespace farm

#define FARM_EXPORTED extern "C" __attribute__((visibility("default")))

// Exports the operators of this library, each a struct as `plugin.hpp` describes it. Written once,
// outside namespaces.
#if FARM_PLUGIN_V3
#define FARM_EXPORT_PLUGINS(...)                                                             \
  FARM_EXPORTED nvinfer1::IPluginCreatorInterface* const* getCreators(std::int32_t& count) { \
    return farm::creators<__VA_ARGS__>(count);                                               \
  }                                                                                          \
  FARM_EXPORTED void setLoggerFinder(nvinfer1::ILoggerFinder* finder) {                      \
    farm::logger_finder() = finder;                                                          \
  }
#elif FARM_LOADS_CREATORS
#define FARM_EXPORT_PLUGINS(...)                                                          \
  FARM_EXPORTED nvinfer1::IPluginCreator* const* getPluginCreators(std::int32_t& count) { \
    return farm::creators<__VA_ARGS__>(count);                                            \
  }                                                                                       \
  FARM_EXPORTED void setLoggerFinder(nvinfer1::ILoggerFinder* finder) {                   \
    farm::logger_finder() = finder;                                                       \
  }
#else
#define FARM_EXPORT_PLUGINS(...)                         \
  namespace {                                            \
  const farm::Registration<__VA_ARGS__> farm_registered; \
  }
#endif
