#pragma once

// TensorRT's headers, and what their generation decides.

#include <NvInfer.h>

#include <cstdint>
#include <type_traits>

// IPluginV3 arrived with 10.0, and is what 10 and later are given; everything older is given
// IPluginV2DynamicExt.
#define FARM_PLUGIN_V3 (NV_TENSORRT_MAJOR >= 10)
// Loading with `load_library`, from exported functions, arrived with 8.6.
#define FARM_LOADS_CREATORS \
  (NV_TENSORRT_MAJOR > 8 || (NV_TENSORRT_MAJOR == 8 && NV_TENSORRT_MINOR >= 6))
// Outputs in the place of inputs arrived with 10.3.
#define FARM_ALIASES (NV_TENSORRT_MAJOR > 10 || (NV_TENSORRT_MAJOR == 10 && NV_TENSORRT_MINOR >= 3))

namespace farm {

// A dimension as TensorRT stores it: 32 bits before 10.0, 64 bits since.
using StoredDimension = std::remove_extent_t<decltype(nvinfer1::Dims::d)>;

}  // namespace farm
