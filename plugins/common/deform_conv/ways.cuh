// With what each way to multiply is done on each card. A way is the same type everywhere, so that
// kernels have one name.
#pragma once

#include "common/deform_conv/float_units.cuh"
#include "common/deform_conv/mma.cuh"
#include "common/deform_conv/wmma.cuh"

namespace farm {
namespace deform_conv_detail {

// float16 factors, float32 sums.
struct Half {
  template <typename Shape>
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  using Multiplier = MmaMultiplier<Shape, HalfProduct>;
#else
  using Multiplier = WmmaMultiplier<Shape>;
#endif
};

// float32 factors rounded to TF32 where that exists.
struct Rounded {
  template <typename Shape>
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  using Multiplier = MmaMultiplier<Shape, RoundedProduct>;
#else
  using Multiplier = FloatUnits<Shape>;
#endif
};

// Nearly all digits of float32. Three products of float16 pay where tensor cores multiply those at
// much more than three times the rate of the float units: on cards for data centres (8.0, 9.0,
// 10.x) and on Thor (11.0); not on those for graphics (8.6, 8.9, 12.x) and not on Orin (8.7).
struct Exact {
  template <typename Shape>
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ == 800 || \
    (__CUDA_ARCH__ >= 900 && __CUDA_ARCH__ < 1200)
  using Multiplier = MmaMultiplier<Shape, PairProduct>;
#else
  using Multiplier = FloatUnits<Shape>;
#endif
};

}  // namespace deform_conv_detail
}  // namespace farm
