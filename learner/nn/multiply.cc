#include "learner/nn/multiply.h"

#include <algorithm>

#include "learner/nn/vec8.h"

namespace sr2l {
namespace {

// A block of the result held in registers: kRows x (8 * kVectors) floats, of which the
// last vector may hold only `last` (1 to 8) wanted columns when kPartial.
template <int kRows, int kVectors, bool kPartial>
struct Block {
  Vec8 sum[kRows][kVectors];

  static Vec8 LoadVector(const float* from, int v, int64_t last) {
    return kPartial && v == kVectors - 1 ? LoadPartial(from + 8 * v, last) : Load(from + 8 * v);
  }

  void Start(ProductStart start, const float* bias, const float* target, int64_t stride,
             int64_t last) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        if (start == ProductStart::kZero) {
          sum[i][v] = Vec8{};
        } else if (start == ProductStart::kBias) {
          sum[i][v] = LoadVector(bias, v, last);
        } else {
          sum[i][v] = LoadVector(target + i * stride, v, last);
        }
      }
    }
  }

  void Add(const ProductTerm& term, int64_t first_row, int64_t first_column, int64_t columns,
           int64_t last) {
    const float* a = term.a + first_row * term.a_row_stride;
    const float* b = term.b + first_column;
    const int64_t b_row_stride = term.b_row_stride == 0 ? columns : term.b_row_stride;
    for (int64_t k = 0; k < term.depth; ++k) {
      Vec8 right[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) right[v] = LoadVector(b, v, last);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        const Vec8 left = Broadcast(a[i * term.a_row_stride]);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sum[i][v] = Fma(left, right[v], sum[i][v]);
      }
      a += term.a_column_stride;
      b += b_row_stride;
    }
  }

  void Finish(float* target, int64_t stride, int64_t last) const {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        float* to = target + i * stride + 8 * v;
        if (kPartial && v == kVectors - 1) {
          StorePartial(to, sum[i][v], last);
        } else {
          Store(to, sum[i][v]);
        }
      }
    }
  }
};

struct Sum {
  std::initializer_list<ProductTerm> terms;
  ProductStart start;
  const float* bias;
  ProductTarget target;
};

template <int kRows, int kVectors, bool kPartial>
void ComputeBlock(const Sum& sum, int64_t row, int64_t column, int64_t last) {
  const int64_t stride = sum.target.columns;
  float* target = sum.target.values + row * stride + column;
  const float* bias = sum.bias == nullptr ? nullptr : sum.bias + column;
  Block<kRows, kVectors, kPartial> block;
  block.Start(sum.start, bias, target, stride, last);
  for (const ProductTerm& term : sum.terms) block.Add(term, row, column, stride, last);
  block.Finish(target, stride, last);
}

// All rows of one panel of columns: the panel of b stays in the first-level cache. Six
// rows of sixteen columns: twelve sums, two vectors of b and one of a fill the sixteen
// registers.
template <int kVectors, bool kPartial>
void ComputePanel(const Sum& sum, int64_t column, int64_t last, int64_t row = 0) {
  const int64_t rows = sum.target.rows;
  for (; row + 6 <= rows; row += 6) ComputeBlock<6, kVectors, kPartial>(sum, row, column, last);
  if (row + 4 <= rows) {
    ComputeBlock<4, kVectors, kPartial>(sum, row, column, last);
    row += 4;
  }
  if (row + 2 <= rows) {
    ComputeBlock<2, kVectors, kPartial>(sum, row, column, last);
    row += 2;
  }
  if (row < rows) ComputeBlock<1, kVectors, kPartial>(sum, row, column, last);
}

// One column of the result, eight rows at a time: sums of a row-major a's eight rows, with
// blocks of a turned so that a lane is a row.
Vec8 AddEightRows(const ProductTerm& term, int64_t row, int64_t b_row_stride, Vec8 sum) {
  const float* a = term.a + row * term.a_row_stride;
  int64_t k = 0;
  for (; k + 8 <= term.depth; k += 8) {
    Vec8 block[8];
    for (int i = 0; i < 8; ++i) block[i] = Load(a + i * term.a_row_stride + k);
    Transpose8(block);
    for (int i = 0; i < 8; ++i) sum = Fma(block[i], Broadcast(term.b[(k + i) * b_row_stride]), sum);
  }
  for (; k < term.depth; ++k) {
    Vec8 left;
    for (int i = 0; i < 8; ++i) left[i] = a[i * term.a_row_stride + k];
    sum = Fma(left, Broadcast(term.b[k * b_row_stride]), sum);
  }
  return sum;
}

// The same where a is read transposed: a lane's rows lie side by side already. Four chains
// at once hide the latency of the additions.
template <int kVectors>
void AddTransposedRows(const ProductTerm& term, int64_t row, int64_t b_row_stride, Vec8* sum) {
  const float* a = term.a + row;
  for (int64_t k = 0; k < term.depth; ++k) {
    const Vec8 right = Broadcast(term.b[k * b_row_stride]);
    for (int v = 0; v < kVectors; ++v) sum[v] = Fma(Load(a + 8 * v), right, sum[v]);
    a += term.a_column_stride;
  }
}

template <int kVectors>
void ComputeColumnBlock(const Sum& sum, int64_t row) {
  float* target = sum.target.values + row;
  Vec8 value[kVectors] = {};
  for (int v = 0; v < kVectors; ++v) {
    if (sum.start == ProductStart::kBias) value[v] = Broadcast(sum.bias[0]);
    if (sum.start == ProductStart::kTarget) value[v] = Load(target + 8 * v);
  }
  for (const ProductTerm& term : sum.terms) {
    const int64_t b_row_stride = term.b_row_stride == 0 ? 1 : term.b_row_stride;
    if (term.a_row_stride == 1) {
      AddTransposedRows<kVectors>(term, row, b_row_stride, value);
    } else {
      for (int v = 0; v < kVectors; ++v) {
        value[v] = AddEightRows(term, row + 8 * v, b_row_stride, value[v]);
      }
    }
  }
  for (int v = 0; v < kVectors; ++v) Store(target + 8 * v, value[v]);
}

// Results of one column, as a critic has: lanes are rows. Returns how many rows it did.
int64_t ComputeColumn(const Sum& sum) {
  for (const ProductTerm& term : sum.terms) {
    if (term.a_row_stride != 1 && term.a_column_stride != 1) return 0;
  }
  int64_t row = 0;
  for (; row + 32 <= sum.target.rows; row += 32) ComputeColumnBlock<4>(sum, row);
  for (; row + 8 <= sum.target.rows; row += 8) ComputeColumnBlock<1>(sum, row);
  return row;
}

}  // namespace

void SumOfProducts(std::initializer_list<ProductTerm> terms, ProductStart start,
                   const float* bias, const ProductTarget& target) {
  const Sum sum = {terms, start, start == ProductStart::kBias ? bias : nullptr, target};
  if (target.columns == 1) {
    ComputePanel<1, true>(sum, 0, 1, ComputeColumn(sum));
    return;
  }
  int64_t column = 0;
  for (; column + 16 <= target.columns; column += 16) ComputePanel<2, false>(sum, column, 8);
  const int64_t rest = target.columns - column;
  if (rest > 8) {
    ComputePanel<2, true>(sum, column, rest - 8);
  } else if (rest == 8) {
    ComputePanel<1, false>(sum, column, 8);
  } else if (rest > 0) {
    ComputePanel<1, true>(sum, column, rest);
  }
}

void Transpose(const float* from, int64_t rows, int64_t columns, float* to) {
  for (int64_t i0 = 0; i0 < rows; i0 += 8) {
    const int64_t i1 = std::min(i0 + 8, rows);
    int64_t j = 0;
    for (; i1 - i0 == 8 && j + 8 <= columns; j += 8) {
      Vec8 block[8];
      for (int i = 0; i < 8; ++i) block[i] = Load(from + (i0 + i) * columns + j);
      Transpose8(block);
      for (int i = 0; i < 8; ++i) Store(to + (j + i) * rows + i0, block[i]);
    }
    for (; j < columns; ++j) {
      for (int64_t i = i0; i < i1; ++i) to[j * rows + i] = from[i * columns + j];
    }
  }
}

void SumRows(const float* from, int64_t rows, int64_t columns, bool accumulate, float* to) {
  constexpr int kVectors = 4;  // chains at once
  int64_t column = 0;
  for (; column + 8 * kVectors <= columns; column += 8 * kVectors) {
    Vec8 sum[kVectors] = {};
    for (int v = 0; accumulate && v < kVectors; ++v) sum[v] = Load(to + column + 8 * v);
    for (int64_t row = 0; row < rows; ++row) {
      for (int v = 0; v < kVectors; ++v) sum[v] += Load(from + row * columns + column + 8 * v);
    }
    for (int v = 0; v < kVectors; ++v) Store(to + column + 8 * v, sum[v]);
  }
  for (; column < columns; column += 8) {
    const int64_t count = std::min<int64_t>(8, columns - column);
    Vec8 sum = accumulate ? LoadPartial(to + column, count) : Vec8{};
    for (int64_t row = 0; row < rows; ++row) {
      sum += LoadPartial(from + row * columns + column, count);
    }
    StorePartial(to + column, sum, count);
  }
}

}  // namespace sr2l
