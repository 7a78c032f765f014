// Sampled places: the four pixels around one, and how much each of them counts.
#pragma once

#include <cstring>

#include "common/deform_conv/form.cuh"

namespace farm {
namespace deform_conv_detail {

// The pixel up and left of a place (which may lie outside) as an index into the image, and the
// shares of that pixel, the one right of it, the one below it and the one right of that. Pixels
// outside have a share of zero and are not read.
struct Corners {
  int first;
  float4 shares;
};

// What counts nothing stays so, whatever the factor: pixels outside are never read.
__device__ inline float times(float share, float factor) {
  return share == 0.0f ? 0.0f : share * factor;
}

// The place of a tap, from its offset, times its mask.
__device__ inline Corners corners_at(float y, float x, float mask, int height, int width) {
  Corners found{0, make_float4(0.0f, 0.0f, 0.0f, 0.0f)};
  const auto rows = static_cast<float>(height), columns = static_cast<float>(width);
  if (y > -1.0f && y < rows && x > -1.0f && x < columns) {  // false for NaN, too
    const float top = floorf(y), left = floorf(x);
    const float down = y - top, right = x - left;
    const int row = static_cast<int>(top), column = static_cast<int>(left);
    const float above = row >= 0 ? 1.0f - down : 0.0f;
    const float below = row + 1 < height ? down : 0.0f;
    const float before = column >= 0 ? 1.0f - right : 0.0f;
    const float behind = column + 1 < width ? right : 0.0f;
    found.first = row * width + column;
    found.shares = make_float4(times(above * before, mask), times(above * behind, mask),
                               times(below * before, mask), times(below * behind, mask));
  }
  return found;
}

// One output pixel, as its image and its place in it.
struct Pixel {
  std::int64_t image;
  std::int64_t place;
  int row, column;

  // Short numbers are divided much faster, and serve where they suffice.
  template <typename Index>
  __device__ Pixel(Index index, const DeformConvSize& size) {
    const auto area = static_cast<Index>(size.out_area()),
               width = static_cast<Index>(size.out_width);
    image = index / area;
    place = index % area;
    row = static_cast<int>(index % area / width);
    column = static_cast<int>(index % area % width);
  }
};

// Where a tap of a deform group samples for a pixel; its mask is multiplied with `factor`.
template <typename T>
__device__ Corners corners_of(const DeformConvTensors<T>& tensors, const DeformConvSize& size,
                              const Pixel& pixel, int part, int tap, float factor = 1.0f) {
  const std::int64_t area = size.out_area();
  const std::int64_t place = (pixel.image * size.deform_groups + part) * size.taps() + tap;
  const T* const offset = tensors.offset + place * 2 * area + pixel.place;
  const int down = tap / size.kernel[1] * size.dilation[0] - size.padding[0];
  const int right = tap % size.kernel[1] * size.dilation[1] - size.padding[1];
  const float y =
      static_cast<float>(pixel.row * size.stride[0] + down) + static_cast<float>(offset[0]);
  const float x =
      static_cast<float>(pixel.column * size.stride[1] + right) + static_cast<float>(offset[area]);
  const float mask =
      tensors.mask == nullptr ? 1.0f : static_cast<float>(tensors.mask[place * area + pixel.place]);
  return corners_at(y, x, mask * factor, static_cast<int>(size.height),
                    static_cast<int>(size.width));
}

// What lies at four corners, for the channels of a vector: read at once, blended later. Until then
// it stays in the words that were loaded: taken apart, it would be waited for.
template <typename T>
struct Sample {
  uint4 corners[4];

  // `pixels` has channels last, from the wanted channel on; places are counted in vectors.
  __device__ void read(const T* pixels, const int4& places) {
    const auto* const vectors = reinterpret_cast<const uint4*>(pixels);
    corners[0] = vectors[places.x];
    corners[1] = vectors[places.y];
    corners[2] = vectors[places.z];
    corners[3] = vectors[places.w];
  }

  __device__ Vector<T> blend(const float4& shares) const {
    Vector<T> items[4], made;
    memcpy(items, corners, sizeof(items));
#pragma unroll
    for (int item = 0; item < static_cast<int>(sizeof(made) / sizeof(T)); ++item) {
      float sum = shares.x * static_cast<float>(items[0].items[item]);
      sum += shares.y * static_cast<float>(items[1].items[item]);
      sum += shares.z * static_cast<float>(items[2].items[item]);
      sum += shares.w * static_cast<float>(items[3].items[item]);
      made.items[item] = static_cast<T>(sum);
    }
    return made;
  }
};

}  // namespace deform_conv_detail
}  // namespace farm
