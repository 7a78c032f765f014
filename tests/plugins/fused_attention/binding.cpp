// What tests call of fused_attention, on a processor as on a card.
#include "kernel.hpp"

namespace {

// As an array of tests has them.
struct Sizes {
  std::int64_t batch, queries, keys, heads, channels;
  std::int64_t query_width, key_width, value_width;  // of a row
  std::int64_t query_offset, key_offset, value_offset, sequence_first;

  farm::AttentionRows steps(std::int64_t rows, std::int64_t width) const {
    return sequence_first != 0 ? farm::AttentionRows{width, batch * width}
                               : farm::AttentionRows{rows * width, width};
  }
};

template <typename T>
int run(const Sizes& of, double scale, const void* query, const void* key, const void* value,
        void* output, cudaStream_t stream) {
  const farm::AttentionSize size{of.batch,
                                 of.queries,
                                 of.keys,
                                 static_cast<int>(of.heads),
                                 static_cast<int>(of.channels),
                                 of.steps(of.queries, of.query_width),
                                 of.steps(of.keys, of.key_width),
                                 of.steps(of.keys, of.value_width),
                                 of.steps(of.queries, of.heads * of.channels),
                                 static_cast<float>(scale)};
  const farm::AttentionTensors<T> tensors{
      static_cast<const T*>(query) + of.query_offset, static_cast<const T*>(key) + of.key_offset,
      static_cast<const T*>(value) + of.value_offset, static_cast<T*>(output)};
  return farm::attention(size, tensors, stream);
}

}  // namespace

extern "C" int run_float(const Sizes* sizes, double scale, const void* query, const void* key,
                         const void* value, void* output, cudaStream_t stream) {
  return run<float>(*sizes, scale, query, key, value, output, stream);
}

extern "C" int run_half(const Sizes* sizes, double scale, const void* query, const void* key,
                        const void* value, void* output, cudaStream_t stream) {
  return run<__half>(*sizes, scale, query, key, value, output, stream);
}
