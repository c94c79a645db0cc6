#ifndef SR2L_LEARNER_NN_MULTIPLY_H_
#define SR2L_LEARNER_NN_MULTIPLY_H_

#include <cstdint>
#include <initializer_list>

namespace sr2l {

// One term of a sum of matrix products: a [rows, depth] times b [depth, columns].
struct ProductTerm {
  const float* a = nullptr;
  int64_t a_row_stride = 0;     // floats from one row of a to the next
  int64_t a_column_stride = 0;  // 1: a is row-major; else a is read transposed
  const float* b = nullptr;     // row-major
  int64_t depth = 0;
  int64_t b_row_stride = 0;  // floats from one row of b to the next; 0: the columns
};

// The result, row-major without gaps.
struct ProductTarget {
  float* values = nullptr;
  int64_t rows = 0;
  int64_t columns = 0;
};

// What a sum of products starts from.
enum class ProductStart { kZero, kBias, kTarget };

// target = start + sum of the terms, in float32 for the small matrices of a policy
// network: nothing is packed, all of b is expected to fit the first-level cache.
// `bias` [columns] is read for kBias only. Each element is one chain of fused
// multiply-adds in the order of the depth: its bits depend on its own row and column
// alone, never on the number of rows, on threads or on the kind of processor.
void SumOfProducts(std::initializer_list<ProductTerm> terms, ProductStart start,
                   const float* bias, const ProductTarget& target);

// to [columns, rows] = from [rows, columns] transposed; both row-major.
void Transpose(const float* from, int64_t rows, int64_t columns, float* to);

// to [columns] = (accumulate ? to : 0) + sum over the rows of from [rows, columns].
void SumRows(const float* from, int64_t rows, int64_t columns, bool accumulate, float* to);

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_MULTIPLY_H_
