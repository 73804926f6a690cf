// Elements of any dtype as float or double, a block at a time, and vectors of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#define INLINE static inline __attribute__((always_inline))

namespace {

// The order is that of CODES in library.py.
enum Code : int32_t { F32, F64, F16, BF16, I8, U8, I16, U16, I32, U32, I64 };

// Two blocks of doubles fit a processor's first cache.
constexpr int64_t kBlock = 2048;
// As many doubles as one vector register takes, and as many vectors as keep both adders busy.
#ifdef __AVX512F__
constexpr int kLanes = 8;
#elif defined(__AVX__)
constexpr int kLanes = 4;
#else
constexpr int kLanes = 2;
#endif
constexpr int kVectors = 4;
constexpr int kStride = kLanes * kVectors;
typedef float Floats __attribute__((vector_size(kLanes * sizeof(float))));
typedef double Doubles __attribute__((vector_size(kLanes * sizeof(double))));

struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};

INLINE float as_float(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
INLINE uint32_t as_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

INLINE float widened(float value) { return value; }
template <typename Number>
INLINE double widened(Number value) {
  return static_cast<double>(value);
}
INLINE float widened(Brain value) { return as_float(static_cast<uint32_t>(value.bits) << 16); }
INLINE float widened(Half value) {
  // The exponent is moved to float's place and then corrected by a multiplication, which makes
  // subnormal halves normal too; infinities and NaN get the largest exponent.
  const float scaled = as_float(static_cast<uint32_t>(value.bits & 0x7fffu) << 13) * 0x1p112f;
  const uint32_t special = (value.bits & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000u) << 16;
  return as_float(as_bits(scaled) | special | sign);
}

// A block of elements: themselves where they are float or double, else widened into `buffer`.
template <typename Element>
INLINE auto block_of(const Element* from, int64_t count, double* buffer) {
  if constexpr (std::is_floating_point_v<Element>) {
    return from;
  } else {
    using Wide = decltype(widened(*from));
    Wide* wide = reinterpret_cast<Wide*>(buffer);
    for (int64_t i = 0; i < count; ++i) wide[i] = widened(from[i]);
    return static_cast<const Wide*>(wide);
  }
}

INLINE Floats load(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}
INLINE Doubles load(const double* from) {
  Doubles values;
  std::memcpy(&values, from, sizeof values);
  return values;
}
INLINE Doubles exact(const Floats& values) { return __builtin_convertvector(values, Doubles); }
INLINE Doubles exact(const Doubles& values) { return values; }

INLINE double sum_of(const Doubles (&values)[kVectors]) {
  double sum = 0;
  for (const Doubles& some : values)
    for (int lane = 0; lane < kLanes; ++lane) sum += some[lane];
  return sum;
}

template <typename Float>
INLINE bool all_finite(const Float* values, int64_t count) {
  // Zero times NaN or an infinity is NaN, and stays NaN in a sum.
  Float mark = 0;
  int64_t i = 0;
  if (count >= kLanes) {
    auto marks = load(values) * 0;
    for (i = kLanes; i + kLanes <= count; i += kLanes) marks += load(values + i) * 0;
    for (int lane = 0; lane < kLanes; ++lane) mark += marks[lane];
  }
  for (; i < count; ++i) mark += values[i] * 0;
  return mark == 0;
}

}  // namespace
