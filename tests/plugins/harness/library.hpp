// How TensorRT loads a library of plugins.
#pragma once

#include <NvInfer.h>
#include <dlfcn.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace farm::harness {

// A loaded library, which logs where it was told to. It stays loaded: others may be in it.
class Library {
 public:
  // Throws std::runtime_error where it does not load or lacks a function.
  Library(const char* path, nvinfer1::ILoggerFinder& finder)
      : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
    set_finder_ = found<void (*)(nvinfer1::ILoggerFinder*)>("setLoggerFinder");
    creators_ = found<nvinfer1::IPluginCreatorInterface* const* (*)(std::int32_t&)>("getCreators");
    set_finder_(&finder);
  }
  ~Library() { set_finder_(nullptr); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  nvinfer1::IPluginCreatorInterface* const* creators(std::int32_t& count) const {
    return creators_(count);
  }

 private:
  template <class Function>
  Function found(const char* name) const {
    void* function = dlsym(handle_, name);
    if (function == nullptr)
      throw std::runtime_error(std::string("the library does not export ") + name);
    return reinterpret_cast<Function>(function);
  }

  void* handle_;
  void (*set_finder_)(nvinfer1::ILoggerFinder*);
  nvinfer1::IPluginCreatorInterface* const* (*creators_)(std::int32_t&);
};

}  // namespace farm::harness
