#include <cuda_fp16.h>

#include <array>

namespace {

constexpr unsigned kSign = 0x8000u, kInfinity = 0x7C00u, kNan = 0x7FFFu;

float worth(unsigned bits) {
  float const sign = bits & kSign ? -1.0f : 1.0f;
  unsigned const exponent = bits >> 10 & 31u, fraction = bits & 1023u;
  if (exponent == 31) {
    return fraction != 0 ? __uint_as_float(0x7FFFFFFFu) : sign * INFINITY;
  }
  return sign * (exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                               : std::ldexp(static_cast<float>(fraction + 1024), static_cast<int>(exponent) - 25));
}

// Products of matrices ask millions of times.
std::array<float, 65536> const kWorth = [] {
  std::array<float, 65536> all{};
  for (unsigned bits = 0; bits < all.size(); ++bits) {
    all[bits] = worth(bits);
  }
  return all;
}();

}  // namespace

unsigned short farm_cpu_half_from_float(float value) {
  unsigned const sign = __float_as_uint(value) >> 16 & kSign;
  if (value != value) {
    return kNan;
  }
  float const magnitude = std::fabs(value);
  if (magnitude == 0.0f) {
    return static_cast<unsigned short>(sign);
  }
  if (magnitude >= 65520.0f) {
    return static_cast<unsigned short>(sign | kInfinity);
  }
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  // The unit in the last place: 2^-24 below the smallest normal number, ten bits under the first above it.
  int const unit = exponent - 11 < -24 ? -24 : exponent - 11;
  auto const units = static_cast<unsigned>(std::nearbyint(std::ldexp(magnitude, -unit)));
  // A carry out of the fraction goes on into the exponent, where it belongs.
  unsigned const bits = units + (static_cast<unsigned>(unit + 24) << 10);
  return static_cast<unsigned short>(sign | bits);
}

float farm_cpu_half_to_float(unsigned short bits) { return kWorth[bits]; }
