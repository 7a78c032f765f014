// Kernels that do right, and kernels that do what CUDA forbids, for the tests of the player.
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <mma.h>

#include <cstdint>

#include "common/launch.cuh"
#include "common/shared.cuh"

namespace {

constexpr unsigned kAll = 0xFFFFFFFFu;

// Right: block b writes its 128 elements backwards, through shared memory.
__global__ void reversed(float const* in, float* out) {
  __shared__ float tile[128];
  tile[threadIdx.x] = in[blockIdx.x * 128 + threadIdx.x];
  __syncthreads();
  out[blockIdx.x * 128 + threadIdx.x] = tile[127 - threadIdx.x];
}

// Wrong: without the barrier.
__global__ void races(float const* in, float* out) {
  float* tile = farm::dynamic_shared<float>();
  tile[threadIdx.x] = in[blockIdx.x * 128 + threadIdx.x];
  out[blockIdx.x * 128 + threadIdx.x] = tile[127 - threadIdx.x];
}

__global__ void past_the_end(float* out) { out[threadIdx.x + 1] = 1.0f; }

__global__ void past_dynamic_shared(float* out) {
  float* tile = farm::dynamic_shared<float>();
  tile[threadIdx.x + 1] = 1.0f;
  out[threadIdx.x] = tile[threadIdx.x];
}

__global__ void past_static_shared(float* out, int64_t shift) {
  __shared__ float tile[32];
  tile[threadIdx.x + shift] = 1.0f;
  out[threadIdx.x] = tile[threadIdx.x];
}

__global__ void not_aligned(float* out) {
  *reinterpret_cast<float4*>(out + 1) = make_float4(1.0f, 2.0f, 3.0f, 4.0f);
}

__global__ void barrier_of_some(float* out) {
  if (threadIdx.x != 5) {
    __syncthreads();
  }
  out[threadIdx.x] = 1.0f;
}

__global__ void two_barriers(float* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1.0f;
}

__global__ void lane_that_left(float* out) {
  if (threadIdx.x != 5) {
    out[threadIdx.x] = __shfl_xor_sync(kAll, 1.0f, 1);
  }
}

__global__ void lane_not_asked(float* out) {
  if (threadIdx.x < 16) {
    out[threadIdx.x] = __shfl_down_sync(0xFFFFu, 1.0f, 8);
  }
}

__global__ void overflows(int32_t* out) { out[threadIdx.x] = out[threadIdx.x] * 0 + 0x7FFFFFFF + int(threadIdx.x); }

// Each lane: sum, maximum, ballot of odd lanes, value of the lane below.
__global__ void warp_talk(int32_t* out) {
  int const lane = threadIdx.x;
  int sum = lane;
  for (int distance = 16; distance > 0; distance /= 2) {
    sum += __shfl_xor_sync(kAll, sum, distance);
  }
  out[lane * 8 + 0] = sum;
  out[lane * 8 + 1] = __shfl_up_sync(kAll, lane, 1);
  out[lane * 8 + 2] = __shfl_down_sync(kAll, lane, 3, 8);
  out[lane * 8 + 3] = static_cast<int32_t>(__ballot_sync(kAll, lane & 1));
  out[lane * 8 + 4] = __any_sync(kAll, lane == 7) * 2 + __all_sync(kAll, lane == 7);
  out[lane * 8 + 5] = __shfl_sync(kAll, lane, 9, 8);
  out[lane * 8 + 6] = __syncthreads_count(lane < 3) * 100 + __syncthreads_or(lane == 1) * 10 +
                      __syncthreads_and(lane >= 0);
  out[lane * 8 + 7] = lane < 8 ? static_cast<int32_t>(__reduce_max_sync(0xFFu, unsigned(lane))) : -1;
}

// Blocks take tickets and pass a sum on to the next: whoever waits for a block that was not started waits for ever.
__global__ void chained(int32_t* ticket, int32_t volatile* sums, int32_t* out) {
  if (threadIdx.x == 0) {
    int const mine = atomicAdd(ticket, 1);
    int before = 0;
    while (mine > 0 && (before = sums[mine - 1]) == 0) {
      __nanosleep(20);
    }
    __threadfence();
    sums[mine] = before + 1;
    out[mine] = before + 1;
  }
}

__global__ void product(half const* a, half const* b, float* c) {
  using namespace nvcuda;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> left;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> right;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
  wmma::fill_fragment(sum, 1.0f);
  wmma::load_matrix_sync(left, a, 16);
  wmma::load_matrix_sync(right, b, 16);
  wmma::mma_sync(sum, left, right, sum);
  wmma::store_matrix_sync(c, sum, 16, wmma::mem_row_major);
}

__global__ void to_half(float const* in, half* out, float* back, int64_t count) {
  int64_t const i = blockIdx.x * int64_t{blockDim.x} + threadIdx.x;
  if (i < count) {
    out[i] = __float2half_rn(in[i]);
    back[i] = __half2float(out[i]);
  }
}

farm::Launch of(unsigned blocks, unsigned threads, std::size_t shared_bytes = 0) {
  return {dim3(blocks), dim3(threads), shared_bytes, nullptr};
}

}  // namespace

extern "C" {

cudaError_t sample_reversed(float const* in, float* out, int64_t blocks) {
  return farm::launch(reversed, of(static_cast<unsigned>(blocks), 128), in, out);
}
cudaError_t sample_races(float const* in, float* out, int64_t blocks) {
  return farm::launch(races, of(static_cast<unsigned>(blocks), 128, 512), in, out);
}
cudaError_t sample_past_the_end(float* out) { return farm::launch(past_the_end, of(1, 32), out); }
cudaError_t sample_past_dynamic_shared(float* out) { return farm::launch(past_dynamic_shared, of(1, 32, 128), out); }
cudaError_t sample_past_static_shared(float* out) { return farm::launch(past_static_shared, of(1, 32), out, 1); }
cudaError_t sample_not_aligned(float* out) { return farm::launch(not_aligned, of(1, 1), out); }
cudaError_t sample_barrier_of_some(float* out) { return farm::launch(barrier_of_some, of(1, 64), out); }
cudaError_t sample_two_barriers(float* out) { return farm::launch(two_barriers, of(1, 64), out); }
cudaError_t sample_lane_that_left(float* out) { return farm::launch(lane_that_left, of(1, 32), out); }
cudaError_t sample_lane_not_asked(float* out) { return farm::launch(lane_not_asked, of(1, 32), out); }
cudaError_t sample_overflows(int32_t* out) { return farm::launch(overflows, of(1, 32), out); }
cudaError_t sample_warp_talk(int32_t* out) { return farm::launch(warp_talk, of(1, 32), out); }
cudaError_t sample_chained(int32_t* ticket, int32_t* sums, int32_t* out, int64_t blocks) {
  cudaError_t status = cudaMemsetAsync(ticket, 0, sizeof(int32_t), nullptr);
  if (status == cudaSuccess) {
    status = cudaMemsetAsync(sums, 0, blocks * sizeof(int32_t), nullptr);
  }
  return status == cudaSuccess ? farm::launch(chained, of(static_cast<unsigned>(blocks), 32), ticket, sums, out)
                               : status;
}
cudaError_t sample_product(half const* a, half const* b, float* c) {
  return farm::launch(product, of(1, 32), a, b, c);
}
cudaError_t sample_to_half(float const* in, half* out, float* back, int64_t count) {
  return farm::launch(to_half, of(static_cast<unsigned>(farm::ceil_div(count, int64_t{256})), 256), in, out, back, count);
}
cudaError_t sample_launch(int64_t blocks, int64_t rows, int64_t threads, int64_t shared_bytes) {
  farm::Launch const shape{dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(rows)),
                           dim3(static_cast<unsigned>(threads)), static_cast<std::size_t>(shared_bytes), nullptr};
  return farm::launch(overflows, shape, nullptr);
}
}
