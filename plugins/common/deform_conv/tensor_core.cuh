// Instructions of tensor cores from SM 8.0 on. On the processor they are played.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#ifdef FARM_ON_CPU
#include <cpu/tensor_core.hpp>
#endif

namespace farm {
namespace deform_conv_detail {

// What a lane has of a fragment: four words of 16 pixels by 32 bytes, two of 8 columns by 32 bytes.
struct PixelWords {
  std::uint32_t words[4];
};
struct WeightWords {
  std::uint32_t words[2];
};

// A place in shared memory, as the instructions name it.
class SharedPlace {
 public:
  SharedPlace() = default;
#ifdef FARM_ON_CPU
  explicit SharedPlace(const unsigned char* place) : place_(place) {}
  const unsigned char* at(int bytes) const { return place_ + bytes; }

 private:
  const unsigned char* place_;
#else
  __device__ explicit SharedPlace(const unsigned char* place)
      : place_(static_cast<std::uint32_t>(__cvta_generic_to_shared(place))) {}
  __device__ std::uint32_t at(int bytes) const {
    return place_ + static_cast<std::uint32_t>(bytes);
  }

 private:
  std::uint32_t place_;
#endif
};

#ifdef FARM_ON_CPU

inline void load_matrices(std::uint32_t (&words)[4], const SharedPlace& place, int bytes) {
  cpu::load_matrices(words, place.at(bytes));
}
inline void multiply_half(float (&sums)[4], const PixelWords& a, const WeightWords& b) {
  cpu::multiply_fragments<cpu::HalfWord>(sums, a.words, b.words);
}
inline void multiply_tf32(float (&sums)[4], const PixelWords& a, const WeightWords& b) {
  cpu::multiply_fragments<cpu::Tf32Word>(sums, a.words, b.words);
}

#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

// Four matrices of 8 rows of 16 bytes, whose rows the lanes name in turn; lane l gets word l % 4 of
// row l / 4 of each.
__device__ inline void load_matrices(std::uint32_t (&words)[4], const SharedPlace& place,
                                     int bytes) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(place.at(bytes)));
}

// sums += a * b: 16 pixels by 8 columns.
__device__ inline void multiply_half(float (&sums)[4], const PixelWords& a, const WeightWords& b) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b.words[0]),
        "r"(b.words[1]));
}
__device__ inline void multiply_tf32(float (&sums)[4], const PixelWords& a, const WeightWords& b) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b.words[0]),
        "r"(b.words[1]));
}

#endif

// To 10 bits behind the point, where tensor cores take such; ties go away from zero.
__device__ inline float rounded_to_tf32(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return __uint_as_float(bits);
#elif defined(__CUDA_ARCH__)
  return value;
#else
  const std::uint32_t bits = __float_as_uint(value);
  return (bits & 0x7F800000u) == 0x7F800000u ? value
                                             : __uint_as_float((bits + 0x1000u) & 0xFFFFE000u);
#endif
}

}  // namespace deform_conv_detail
}  // namespace farm
