// CUDA's runtime for what is no kernel: the glue of plugins, and TensorRT's headers.
#pragma once

#include "cuda_runtime.h"

struct CUevent_st;
using cudaEvent_t = CUevent_st*;

inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorInvalidConfiguration ? "invalid configuration argument" : "invalid argument";
}
