// float32 factors on tensor cores, which read 10 bits behind the point (TF32), from SM 8.0 on.
//
// One product rounds the factors. Three products do not: each factor is the sum of two TF32
// numbers, and only what both rests give together is left out (2^-22 of the product). The rest of
// an infinite factor is zero.
#pragma once

#include "common/deform_conv/multiply.cuh"

namespace farm {
namespace deform_conv_detail {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

template <int kProducts>
struct Tf32Step {
  using Stored = float;
  using Sum = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 8, float>;
  static constexpr int kDepth = 8;

  template <typename Use>
  struct Factors {
    using Fragment = nvcuda::wmma::fragment<Use, 16, 16, 8, nvcuda::wmma::precision::tf32,
                                            nvcuda::wmma::row_major>;
    Fragment whole, rest;

    __device__ void load(const float* from, int distance) {
      nvcuda::wmma::load_matrix_sync(whole, from, static_cast<unsigned>(distance));
#pragma unroll
      for (int item = 0; item < whole.num_elements; ++item) {
        const float exact = whole.x[item];
        const float rounded = nvcuda::wmma::__float_to_tf32(exact);
        whole.x[item] = rounded;
        if (kProducts == 3)
          rest.x[item] = isfinite(rounded) ? nvcuda::wmma::__float_to_tf32(exact - rounded) : 0.0f;
      }
    }
  };
  using Pixels = Factors<nvcuda::wmma::matrix_a>;
  using Weights = Factors<nvcuda::wmma::matrix_b>;

  // The small products first, before the sum is large.
  __device__ static void add(Sum& sum, const Pixels& pixels, const Weights& weights) {
    if (kProducts == 3) {
      nvcuda::wmma::mma_sync(sum, pixels.rest, weights.whole, sum);
      nvcuda::wmma::mma_sync(sum, pixels.whole, weights.rest, sum);
    }
    nvcuda::wmma::mma_sync(sum, pixels.whole, weights.whole, sum);
  }
};

#endif

// float32 factors rounded to TF32 where that exists.
struct Rounded {
  template <int kColumns>
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
  using Multiplier = TensorCores<kColumns, Tf32Step<1>>;
#else
  using Multiplier = FloatUnits<kColumns>;
#endif
};

// All digits of float32. Three products pay where tensor cores multiply TF32 at much more than
// three times the rate of the float units: on cards for data centres (8.0, 9.0, 10.x) and on Thor
// (11.0); not on those for graphics (8.6, 8.9, 12.x) and not on Orin (8.7).
struct Exact {
  template <int kColumns>
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ == 800 || \
    (__CUDA_ARCH__ >= 900 && __CUDA_ARCH__ < 1200)
  using Multiplier = TensorCores<kColumns, Tf32Step<3>>;
#else
  using Multiplier = FloatUnits<kColumns>;
#endif
};

}  // namespace deform_conv_detail
}  // namespace farm
