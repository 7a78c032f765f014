// Scaled dot-product attention: its launchers.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace farm {

// Where the rows of a tensor are, in elements: from one of a batch to the next, and from one row to
// the next. The heads of a row lie side by side.
struct AttentionRows {
  std::int64_t image, row;
};

struct AttentionSize {
  std::int64_t batch, queries, keys;
  int heads, channels;  // channels of a head
  AttentionRows query, key, value, output;
  float scale;
};

template <typename T>
struct AttentionTensors {
  const T* query;  // the first channel of the first head, as in the others
  const T* key;
  const T* value;
  T* output;
};

// output = softmax(scale * query key^T) value for each of the batch and each head; zeros where
// there are no keys. The scale is more than 0, a head has 1 to 128 channels, and there are up to
// 2^30 keys. Sums and the softmax are float32.
cudaError_t attention(const AttentionSize& size, const AttentionTensors<float>& tensors,
                      cudaStream_t stream);
cudaError_t attention(const AttentionSize& size, const AttentionTensors<__half>& tensors,
                      cudaStream_t stream);

}  // namespace farm
