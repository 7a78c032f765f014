#pragma once

// Where exceptions end: at the boundary to TensorRT, with a sentence in its log.

#include <cstdio>
#include <exception>
#include <string>

#include "common/trt_version.hpp"

namespace farm {

#if FARM_LOADS_CREATORS
// Set by TensorRT when it has loaded the library.
inline nvinfer1::ILoggerFinder*& logger_finder() noexcept {
  static nvinfer1::ILoggerFinder* finder = nullptr;
  return finder;
}
#endif

// Says that a plugin could not do what it was asked for, in TensorRT's log where there is one.
inline void report(const char* plugin, const char* sentence) noexcept {
  try {
    const std::string line = std::string("plugin ") + plugin + ": " + sentence;
#if FARM_LOADS_CREATORS
    nvinfer1::ILogger* logger =
        logger_finder() == nullptr ? nullptr : logger_finder()->findLogger();
    if (logger != nullptr) {
      logger->log(nvinfer1::ILogger::Severity::kERROR, line.c_str());
      return;
    }
#endif
    std::fprintf(stderr, "%s\n", line.c_str());
  } catch (...) {
    std::fputs("a plugin failed, and there was no memory to say why\n", stderr);
  }
}

// What `body` returns, or `failure` where it throws; nothing passes the boundary.
template <class Result, class Body>
Result guarded(const char* plugin, Result failure, Body&& body) noexcept {
  try {
    return body();
  } catch (const std::exception& thrown) {
    report(plugin, thrown.what());
  } catch (...) {
    report(plugin, "failed for a reason it did not name");
  }
  return failure;
}

}  // namespace farm
