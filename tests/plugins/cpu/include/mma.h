// Tensor-core products of warps: each lane holds a part of a matrix, as on a card; which part is nobody's business.
#pragma once

#include <cuda_fp16.h>

namespace nvcuda::wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
enum layout_t { mem_row_major, mem_col_major };

namespace precision {
struct tf32;
}

// As it is kept in a fragment and in memory.
template <typename T>
struct Element {
  using type = T;
};
template <>
struct Element<precision::tf32> {
  using type = float;
};

// To 10 bits behind the point; ties go away from zero.
inline float __float_to_tf32(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7F800000u) != 0x7F800000u) bits = (bits + 0x1000u) & 0xFFFFE000u;
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}

template <typename Use, int M, int N, int K>
struct Extent;
template <int M, int N, int K>
struct Extent<matrix_a, M, N, K> {
  static constexpr int rows = M, columns = K;
};
template <int M, int N, int K>
struct Extent<matrix_b, M, N, K> {
  static constexpr int rows = K, columns = N;
};
template <int M, int N, int K>
struct Extent<accumulator, M, N, K> {
  static constexpr int rows = M, columns = N;
};

// Lane l holds elements l, l + 32, l + 64 … of the matrix by rows.
template <typename Use, int M, int N, int K, typename T, typename Layout = void>
struct fragment {
  static constexpr int rows = Extent<Use, M, N, K>::rows;
  static constexpr int columns = Extent<Use, M, N, K>::columns;
  static constexpr int num_elements = rows * columns / 32;
  using element_type = typename Element<T>::type;
  element_type x[num_elements];
};

namespace played {

// CUDA asks for 32 bytes of alignment and for a distance of whole 16 bytes.
template <typename T>
void check(T const* place, unsigned distance, farm::cpu::Where where) {
  if (reinterpret_cast<std::uintptr_t>(place) % 32 != 0 || distance * sizeof(T) % 16 != 0) {
    farm::cpu::misuse(where, "a fragment at %p with a distance of %u is not aligned", static_cast<void const*>(place),
                      distance);
  }
}

template <typename Fragment>
std::size_t place(int element, unsigned distance, bool by_rows) {
  unsigned const flat = farm::cpu::lane() + 32u * static_cast<unsigned>(element);
  unsigned const row = flat / Fragment::columns, column = flat % Fragment::columns;
  return by_rows ? std::size_t{row} * distance + column : std::size_t{column} * distance + row;
}

template <typename Fragment>
float element(std::uint64_t const (&fragments)[32], int row, int column) {
  int const flat = row * Fragment::columns + column;
  return static_cast<float>(reinterpret_cast<Fragment const*>(fragments[flat % 32])->x[flat / 32]);
}

// Tensor cores cut off what TF32 has no bits for, which is never meant.
template <typename Use, int M, int N, int K, typename T, typename Layout>
void check_rounded(fragment<Use, M, N, K, T, Layout> const& factors, farm::cpu::Where where) {
  if constexpr (std::is_same_v<T, precision::tf32>) {
    for (float const factor : factors.x) {
      if (factor == factor && __float_to_tf32(factor) != factor) farm::cpu::misuse(where, "a factor is not rounded to TF32");
    }
  }
}

}  // namespace played

#define FARM_CPU_HERE char const *file = __builtin_FILE(), int line = __builtin_LINE()

template <typename Fragment>
void fill_fragment(Fragment& filled, typename Fragment::element_type value) {
  for (auto& element : filled.x) element = value;
}

template <typename Use, int M, int N, int K, typename T, typename Layout>
void load_matrix_sync(fragment<Use, M, N, K, T, Layout>& loaded, typename Element<T>::type const* from,
                      unsigned distance, FARM_CPU_HERE) {
  using Fragment = fragment<Use, M, N, K, T, Layout>;
  played::check(from, distance, {file, line});
  farm::cpu::meet(0xFFFFFFFFu, 0, {file, line});
  for (int i = 0; i < Fragment::num_elements; ++i) {
    loaded.x[i] = from[played::place<Fragment>(i, distance, std::is_same_v<Layout, row_major>)];
  }
}

template <int M, int N, int K, typename T>
void load_matrix_sync(fragment<accumulator, M, N, K, T>& loaded, T const* from, unsigned distance, layout_t layout,
                      FARM_CPU_HERE) {
  using Fragment = fragment<accumulator, M, N, K, T>;
  played::check(from, distance, {file, line});
  farm::cpu::meet(0xFFFFFFFFu, 0, {file, line});
  for (int i = 0; i < Fragment::num_elements; ++i) {
    loaded.x[i] = from[played::place<Fragment>(i, distance, layout == mem_row_major)];
  }
}

template <int M, int N, int K, typename T>
void store_matrix_sync(T* to, fragment<accumulator, M, N, K, T> const& stored, unsigned distance, layout_t layout,
                       FARM_CPU_HERE) {
  using Fragment = fragment<accumulator, M, N, K, T>;
  played::check(to, distance, {file, line});
  farm::cpu::meet(0xFFFFFFFFu, 0, {file, line});
  for (int i = 0; i < Fragment::num_elements; ++i) {
    to[played::place<Fragment>(i, distance, layout == mem_row_major)] = stored.x[i];
  }
}

template <int M, int N, int K, typename Factor, typename LayoutA, typename LayoutB, typename Sum>
void mma_sync(fragment<accumulator, M, N, K, Sum>& result, fragment<matrix_a, M, N, K, Factor, LayoutA> const& a,
              fragment<matrix_b, M, N, K, Factor, LayoutB> const& b, fragment<accumulator, M, N, K, Sum> const& sum,
              FARM_CPU_HERE) {
  farm::cpu::Where const where{file, line};
  played::check_rounded(a, where);
  played::check_rounded(b, where);
  farm::cpu::Brought const all_a = farm::cpu::meet(0xFFFFFFFFu, reinterpret_cast<std::uintptr_t>(&a), where);
  farm::cpu::Brought const all_b = farm::cpu::meet(0xFFFFFFFFu, reinterpret_cast<std::uintptr_t>(&b), where);
  for (int i = 0; i < result.num_elements; ++i) {
    int const flat = static_cast<int>(farm::cpu::lane()) + 32 * i;
    float total = static_cast<float>(sum.x[i]);
    for (int k = 0; k < K; ++k) {
      total += played::element<fragment<matrix_a, M, N, K, Factor, LayoutA>>(all_a.value, flat / N, k) *
               played::element<fragment<matrix_b, M, N, K, Factor, LayoutB>>(all_b.value, k, flat % N);
    }
    result.x[i] = static_cast<Sum>(total);
  }
  // Nobody changes a fragment that others still read.
  farm::cpu::meet(0xFFFFFFFFu, 0, where);
}

#undef FARM_CPU_HERE

}  // namespace nvcuda::wmma
