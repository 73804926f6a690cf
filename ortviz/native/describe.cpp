// The statistics of one tensor in one pass through memory; sums in float64.

#include "elements.hpp"

namespace {

// Read by library.py: five doubles and five 64-bit integers.
struct Description {
  double minimum, maximum, mean, std, l2_norm;
  int64_t zero_count, nan_count, posinf_count, neginf_count, first_nonfinite;
};

// Means are kept as distances from the first element: far from zero their own rounding would be
// larger than a small deviation.
struct Moments {
  double pivot = 0;
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double mean = 0, squared_deviations = 0, squares = 0;
  int64_t count = 0, zeros = 0;
};

// What one block came to.
struct Sums {
  double mean, squared_deviations, deviations, squares;
};

// Blocks are joined as Chan, Golub and LeVeque (1979) do it.
INLINE void join(Moments& to, const Sums& block, int64_t count) {
  const double own = static_cast<double>(count), before = static_cast<double>(to.count);
  // What the rounding of the block's mean left in the deviations is taken out again.
  double squared = block.squared_deviations - block.deviations * block.deviations / own;
  if (squared < 0) squared = 0;
  const double delta = block.mean - to.mean;
  to.squared_deviations += squared + delta * delta * (before * own / (before + own));
  to.mean += delta * (own / (before + own));
  to.squares += block.squares;
  to.count += count;
}

template <typename Float>
INLINE void note(Moments& to, Float value) {
  if (value < to.low) to.low = value;
  if (value > to.high) to.high = value;
}

// `count` finite values, a multiple of kStride.
template <typename Float>
INLINE void add_vectors(Moments& to, const Float* values, int64_t count) {
  Doubles sums[kVectors] = {}, squares[kVectors] = {};
  auto lows = load(values), highs = lows;
  decltype(lows == lows) zeros = {};
  for (int64_t i = 0; i < count; i += kStride) {
    for (int vector = 0; vector < kVectors; ++vector) {
      const auto some = load(values + i + vector * kLanes);
      const Doubles wide = exact(some);
      sums[vector] += wide - to.pivot;
      squares[vector] += wide * wide;
      lows = some < lows ? some : lows;
      highs = some > highs ? some : highs;
      zeros += some == 0;
    }
  }
  const double mean = sum_of(sums) / static_cast<double>(count);
  Doubles squared_deviations[kVectors] = {}, deviations[kVectors] = {};
  for (int64_t i = 0; i < count; i += kStride) {
    for (int vector = 0; vector < kVectors; ++vector) {
      const Doubles deviation = exact(load(values + i + vector * kLanes)) - to.pivot - mean;
      squared_deviations[vector] += deviation * deviation;
      deviations[vector] += deviation;
    }
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    note(to, lows[lane]);
    note(to, highs[lane]);
    // A comparison that holds is -1 in its lane.
    to.zeros -= zeros[lane];
  }
  join(to, {mean, sum_of(squared_deviations), sum_of(deviations), sum_of(squares)}, count);
}

// A few finite values.
template <typename Float>
INLINE void add_rest(Moments& to, const Float* values, int64_t count) {
  Sums sums = {};
  for (int64_t i = 0; i < count; ++i) {
    const double value = values[i];
    sums.mean += (value - to.pivot) / static_cast<double>(count);
    sums.squares += value * value;
    to.zeros += value == 0;
    note(to, values[i]);
  }
  for (int64_t i = 0; i < count; ++i) {
    const double deviation = values[i] - to.pivot - sums.mean;
    sums.squared_deviations += deviation * deviation;
    sums.deviations += deviation;
  }
  join(to, sums, count);
}

// Counts what is not finite and copies what is; returns how many those are.
template <typename Float>
INLINE int64_t keep_finite(Description& to, const Float* values, int64_t count, int64_t offset,
                           Float* kept) {
  int64_t kept_count = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (std::isfinite(values[i])) {
      kept[kept_count++] = values[i];
      continue;
    }
    if (to.first_nonfinite < 0) to.first_nonfinite = offset + i;
    to.nan_count += std::isnan(values[i]);
    to.posinf_count += values[i] > 0;
    to.neginf_count += values[i] < 0;
  }
  return kept_count;
}

template <typename Element>
INLINE void describe(const void* data, int64_t count, Description& to) {
  alignas(64) double widened_block[kBlock], finite_block[kBlock];
  const Element* from = static_cast<const Element*>(data);
  Moments moments;
  for (int64_t start = 0; start < count; start += kBlock) {
    int64_t length = count - start < kBlock ? count - start : kBlock;
    auto* values = block_of(from + start, length, widened_block);
    if (!all_finite(values, length)) {
      auto* kept = reinterpret_cast<std::remove_const_t<std::remove_pointer_t<decltype(values)>>*>(
          finite_block);
      length = keep_finite(to, values, length, start, kept);
      values = kept;
    }
    if (moments.count == 0 && length > 0) moments.pivot = values[0];
    const int64_t whole = length - length % kStride;
    if (whole > 0) add_vectors(moments, values, whole);
    if (length > whole) add_rest(moments, values + whole, length - whole);
  }
  to.minimum = moments.low;
  to.maximum = moments.high;
  to.mean = moments.pivot + moments.mean;
  to.std = moments.count ? std::sqrt(moments.squared_deviations / moments.count) : 0;
  to.l2_norm = std::sqrt(moments.squares);
  to.zero_count = moments.zeros;
}

}  // namespace

// 0, or 1 for a dtype it does not know. Without a finite element the extremes are +-infinity.
extern "C" int32_t ortviz_describe(const void* data, int64_t count, int32_t code,
                                   Description* to) {
  *to = Description{};
  to->first_nonfinite = -1;
  switch (code) {
    case F32: describe<float>(data, count, *to); return 0;
    case F64: describe<double>(data, count, *to); return 0;
    case F16: describe<Half>(data, count, *to); return 0;
    case BF16: describe<Brain>(data, count, *to); return 0;
    case I8: describe<int8_t>(data, count, *to); return 0;
    case U8: describe<uint8_t>(data, count, *to); return 0;
    case I16: describe<int16_t>(data, count, *to); return 0;
    case U16: describe<uint16_t>(data, count, *to); return 0;
    case I32: describe<int32_t>(data, count, *to); return 0;
    case U32: describe<uint32_t>(data, count, *to); return 0;
    case I64: describe<int64_t>(data, count, *to); return 0;
    default: return 1;
  }
}
