// How far two arrays of finite numbers are apart, in one pass through memory; sums in float64.

#include "elements.hpp"

namespace {

typedef int32_t Ints __attribute__((vector_size(kLanes * sizeof(int32_t))));
typedef int64_t Longs __attribute__((vector_size(kLanes * sizeof(int64_t))));
typedef uint64_t Unsigned __attribute__((vector_size(kLanes * sizeof(uint64_t))));
constexpr int64_t kMagnitude = std::numeric_limits<int64_t>::max();
constexpr int64_t kNarrowMagnitude = std::numeric_limits<int32_t>::max();

// Read by library.py: six doubles and two 64-bit integers.
struct Difference {
  double error_sum, max_error, scale, squares_reference, squares_candidate, products;
  int64_t worst;
  uint64_t max_ulp;
};

INLINE Doubles magnitude(const Doubles& values) {
  return reinterpret_cast<Doubles>(reinterpret_cast<Longs>(values) & kMagnitude);
}
INLINE void keep_larger(Doubles& largest, const Doubles& values) {
  largest = values > largest ? values : largest;
}
INLINE double largest_of(const Doubles (&values)[kVectors]) {
  double largest = 0;
  for (const Doubles& some : values)
    for (int lane = 0; lane < kLanes; ++lane)
      if (some[lane] > largest) largest = some[lane];
  return largest;
}

// The bits without the sign count the numbers of a dtype from 0 up to a number; 0 and -0 are one.
INLINE Longs places(const float* from) {
  Ints narrow;
  std::memcpy(&narrow, from, sizeof narrow);
  const Longs bits = __builtin_convertvector(narrow, Longs);
  return bits < 0 ? -(bits & kNarrowMagnitude) : bits;
}
INLINE Longs places(const double* from) {
  Longs bits;
  std::memcpy(&bits, from, sizeof bits);
  return bits < 0 ? -(bits & kMagnitude) : bits;
}

// The two blocks that are looked at, padded with zeros to a multiple of kStride.
template <typename Float>
struct Blocks {
  const Float *ours, *theirs;
  int64_t length;
};

// Returns the largest error.
template <typename Float>
INLINE double add_errors(Difference& to, const Blocks<Float>& blocks) {
  Doubles sums[kVectors] = {}, worst[kVectors] = {}, scales[kVectors] = {};
  for (int64_t i = 0; i < blocks.length; i += kStride) {
    for (int vector = 0; vector < kVectors; ++vector) {
      const Doubles one = exact(load(blocks.ours + i + vector * kLanes));
      const Doubles other = exact(load(blocks.theirs + i + vector * kLanes));
      const Doubles error = magnitude(other - one);
      sums[vector] += error;
      keep_larger(worst[vector], error);
      keep_larger(scales[vector], magnitude(one));
    }
  }
  to.error_sum += sum_of(sums);
  const double scale = largest_of(scales);
  if (scale > to.scale) to.scale = scale;
  return largest_of(worst);
}

template <typename Float>
INLINE void add_products(Difference& to, const Blocks<Float>& blocks) {
  Doubles squares[kVectors] = {}, others[kVectors] = {}, products[kVectors] = {};
  for (int64_t i = 0; i < blocks.length; i += kStride) {
    for (int vector = 0; vector < kVectors; ++vector) {
      const Doubles one = exact(load(blocks.ours + i + vector * kLanes));
      const Doubles other = exact(load(blocks.theirs + i + vector * kLanes));
      squares[vector] += one * one;
      others[vector] += other * other;
      products[vector] += one * other;
    }
  }
  to.squares_reference += sum_of(squares);
  to.squares_candidate += sum_of(others);
  to.products += sum_of(products);
}

template <typename Float>
INLINE void note_ulp(Difference& to, const Blocks<Float>& blocks) {
  // Unsigned, because the distance of two numbers of different signs may need the sign's bit.
  Unsigned farthest = {};
  for (int64_t i = 0; i < blocks.length; i += kLanes) {
    const Longs left = places(blocks.ours + i), right = places(blocks.theirs + i);
    const Unsigned forward = reinterpret_cast<Unsigned>(left) - reinterpret_cast<Unsigned>(right);
    const Unsigned distance = left > right ? forward : -forward;
    farthest = distance > farthest ? distance : farthest;
  }
  for (int lane = 0; lane < kLanes; ++lane)
    if (farthest[lane] > to.max_ulp) to.max_ulp = farthest[lane];
}

template <typename Float>
INLINE int32_t compare(const void* reference, const void* candidate, int64_t count,
                       Difference& to) {
  const Float* ours = static_cast<const Float*>(reference);
  const Float* theirs = static_cast<const Float*>(candidate);
  Float last_ours[kBlock], last_theirs[kBlock];
  for (int64_t start = 0; start < count; start += kBlock) {
    Blocks<Float> blocks = {ours + start, theirs + start, kBlock};
    const int64_t left = count - start;
    if (left < kBlock) {
      blocks = {last_ours, last_theirs, (left + kStride - 1) / kStride * kStride};
      std::memset(last_ours, 0, sizeof last_ours);
      std::memset(last_theirs, 0, sizeof last_theirs);
      std::memcpy(last_ours, ours + start, left * sizeof(Float));
      std::memcpy(last_theirs, theirs + start, left * sizeof(Float));
    }
    add_products(to, blocks);
    // Finite sums of squares have finite terms.
    if (!std::isfinite(to.squares_reference + to.squares_candidate)) return 1;
    note_ulp(to, blocks);
    const double worst = add_errors(to, blocks);
    if (worst > to.max_error) {
      to.max_error = worst;
      int64_t i = start;
      // The last needs no look; so nothing beyond it is read, whoever may write meanwhile.
      while (i + 1 < count &&
             std::fabs(static_cast<double>(theirs[i]) - static_cast<double>(ours[i])) != worst)
        ++i;
      to.worst = i;
    }
  }
  return 0;
}

}  // namespace

// 0; 1 where something is not finite or its square is not, or for a dtype it does not know.
extern "C" int32_t ortviz_compare(const void* reference, const void* candidate, int64_t count,
                                  int32_t code, Difference* to) {
  *to = Difference{};
  to->worst = -1;
  switch (code) {
    case F32: return compare<float>(reference, candidate, count, *to);
    case F64: return compare<double>(reference, candidate, count, *to);
    default: return 1;
  }
}
