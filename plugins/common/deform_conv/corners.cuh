// Sampled places: the four pixels around one, and how much each of them counts.
#pragma once

#include "common/deform_conv/pack.cuh"

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

  __device__ Pixel(std::int64_t index, const DeformConvSize& size)
      : image(index / size.out_area()),
        place(index % size.out_area()),
        row(static_cast<int>(place / size.out_width)),
        column(static_cast<int>(place % size.out_width)) {}
};

// Where a tap of a deform group samples for a pixel.
template <typename T>
__device__ Corners corners_of(const DeformConvTensors<T>& tensors, const DeformConvSize& size,
                              const Pixel& pixel, int part, int tap) {
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
  return corners_at(y, x, mask, static_cast<int>(size.height), static_cast<int>(size.width));
}

// What lies at four corners, for the channels of a vector: read at once, blended later.
template <typename T>
struct Sample {
  static constexpr int kItems = kVectorBytes / static_cast<int>(sizeof(T));
  Vector<T> corners[4];

  // `pixels` is an image with channels last, from the wanted channel on; `row` is a pixel's
  // channels.
  __device__ void read(const T* pixels, const Corners& at, int width, int row) {
    read_one(0, pixels, at.shares.x, std::int64_t{at.first}, row);
    read_one(1, pixels, at.shares.y, std::int64_t{at.first} + 1, row);
    read_one(2, pixels, at.shares.z, std::int64_t{at.first} + width, row);
    read_one(3, pixels, at.shares.w, std::int64_t{at.first} + width + 1, row);
  }

  __device__ Vector<T> blend(const float4& shares) const {
    Vector<T> made;
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
      float sum = shares.x * static_cast<float>(corners[0].items[item]);
      sum += shares.y * static_cast<float>(corners[1].items[item]);
      sum += shares.z * static_cast<float>(corners[2].items[item]);
      sum += shares.w * static_cast<float>(corners[3].items[item]);
      made.items[item] = static_cast<T>(sum);
    }
    return made;
  }

 private:
  __device__ void read_one(int corner, const T* pixels, float share, std::int64_t pixel, int row) {
    if (share != 0.0f) {
      corners[corner] = *reinterpret_cast<const Vector<T>*>(pixels + pixel * row);
    } else {
#pragma unroll
      for (int item = 0; item < kItems; ++item) corners[corner].items[item] = static_cast<T>(0.0f);
    }
  }
};

}  // namespace deform_conv_detail
}  // namespace farm
