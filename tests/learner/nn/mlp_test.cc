#include "learner/nn/mlp.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <string>
#include <vector>

namespace sr2l {
namespace {

using torch::Tensor;

constexpr int64_t kMembers = 3;

// The same network by LibTorch's own layers, for autograd: the independent oracle.
Tensor Activated(Activation activation, const Tensor& x) {
  switch (activation) {
    case Activation::kTanh:
      return torch::tanh(x);
    case Activation::kRelu:
      return torch::relu(x);
    default:
      return x;
  }
}

Tensor Reference(const MlpShape& shape, const Tensor& parameters, Tensor x) {
  std::vector<int64_t> widths = shape.hidden;
  widths.push_back(shape.outputs);
  int64_t in = shape.inputs;
  int64_t offset = 0;
  for (size_t k = 0; k < widths.size(); ++k) {
    const int64_t out = widths[k];
    const Tensor weight =
        parameters.slice(1, offset, offset + in * out).reshape({-1, in, out});
    const Tensor bias = parameters.slice(1, offset + in * out, offset + (in + 1) * out);
    x = torch::matmul(x, weight) + bias.unsqueeze(1);
    x = Activated(k + 1 == widths.size() ? shape.output_activation : shape.activation, x);
    offset += (in + 1) * out;
    in = out;
  }
  return x;
}

struct Case {
  std::string name;
  MlpShape shape;
  int64_t rows;
};

std::vector<Case> Cases() {
  return {
      {"Tanh17x64x64x6", {17, {64, 64}, 6, Activation::kTanh, Activation::kLinear}, 131},
      {"Relu8x33x2", {8, {33}, 2, Activation::kRelu, Activation::kTanh}, 97},
      {"Linear3x1", {3, {}, 1, Activation::kTanh, Activation::kLinear}, 5},
      {"Tanh11x7x5x9x3", {11, {7, 5, 9}, 3, Activation::kTanh, Activation::kTanh}, 192},
      {"Critic23x64x64x1", {23, {64, 64}, 1, Activation::kRelu, Activation::kLinear}, 64},
      {"Actor5x12x10x3", {5, {12, 10}, 3, Activation::kRelu, Activation::kTanh}, 64},
      {"Relu111x64x64x8", {111, {64, 64}, 8, Activation::kRelu, Activation::kLinear}, 1},
  };
}

struct Setting {
  torch::Dtype dtype;
  MlpBackend backend;
  double tolerance;  // about ten times the largest residual measured
};

class MlpTest : public testing::TestWithParam<std::tuple<Case, int>> {
 protected:
  MlpTest() {
    torch::manual_seed(7);
    const MlpShape& shape = Shape();
    const auto options = torch::TensorOptions().dtype(torch::kFloat64);
    parameters_ = 0.5 * torch::randn({kMembers, NumParameters(shape)}, options);
    inputs_ = torch::randn({kMembers, Rows(), shape.inputs}, options);
    cotangent_ = torch::randn({kMembers, Rows(), shape.outputs}, options);
    tangent_ = torch::randn_like(parameters_);
  }

  const MlpShape& Shape() const { return std::get<0>(GetParam()).shape; }
  int64_t Rows() const { return std::get<0>(GetParam()).rows; }
  Setting GetSetting() const {
    const std::vector<Setting> settings = {{torch::kFloat64, MlpBackend::kTorch, 1e-13},
                                           {torch::kFloat32, MlpBackend::kTorch, 2e-5},
                                           {torch::kFloat32, MlpBackend::kFused, 2e-5}};
    return settings[std::get<1>(GetParam())];
  }
  BatchedMlp MakeMlp() const {
    return BatchedMlp(Shape(), kMembers,
                      {torch::kCPU, GetSetting().dtype, GetSetting().backend});
  }
  Tensor Cast(const Tensor& tensor) const { return tensor.to(GetSetting().dtype); }

  // The largest difference, relative to the largest value.
  void ExpectClose(const Tensor& actual, const Tensor& expected) const {
    ASSERT_EQ(actual.sizes(), expected.sizes());
    const double scale = expected.abs().max().item<double>();
    const double error = (actual.to(torch::kFloat64) - expected).abs().max().item<double>();
    EXPECT_LE(error, GetSetting().tolerance * scale);
  }

  Tensor parameters_, inputs_, cotangent_, tangent_;
};

TEST_P(MlpTest, ForwardEqualsLayersOfLibTorch) {
  BatchedMlp mlp = MakeMlp();
  MlpPoint point = mlp.NewPoint(Rows());
  mlp.Forward(Cast(parameters_), Cast(inputs_), point);
  ExpectClose(point.outputs(), Reference(Shape(), parameters_, inputs_));
}

TEST_P(MlpTest, VectorJacobianProductsEqualAutograd) {
  const Tensor parameters = parameters_.clone().requires_grad_();
  const Tensor inputs = inputs_.clone().requires_grad_();
  const auto expected = torch::autograd::grad(
      {(Reference(Shape(), parameters, inputs) * cotangent_).sum()}, {parameters, inputs});

  BatchedMlp mlp = MakeMlp();
  MlpPoint point = mlp.NewPoint(Rows());
  mlp.Forward(Cast(parameters_), Cast(inputs_), point);
  Tensor parameter_gradient = torch::full_like(Cast(parameters_), NAN);
  mlp.ParameterVjp(Cast(parameters_), point, Cast(cotangent_), parameter_gradient);
  ExpectClose(parameter_gradient, expected[0]);
  Tensor input_gradient = torch::full_like(Cast(inputs_), NAN);
  mlp.InputVjp(Cast(parameters_), point, Cast(cotangent_), input_gradient);
  ExpectClose(input_gradient, expected[1]);
}

// Forward mode from reverse mode: the derivative of u -> <tangent, VJP(u)> is the JVP.
TEST_P(MlpTest, JacobianVectorProductEqualsAutograd) {
  const Tensor parameters = parameters_.clone().requires_grad_();
  const Tensor u = torch::zeros_like(cotangent_).requires_grad_();
  const Tensor vjp = torch::autograd::grad({Reference(Shape(), parameters, inputs_)},
                                           {parameters}, {u}, true, true)[0];
  const Tensor expected = torch::autograd::grad({(vjp * tangent_).sum()}, {u})[0];

  BatchedMlp mlp = MakeMlp();
  MlpPoint point = mlp.NewPoint(Rows());
  mlp.Forward(Cast(parameters_), Cast(inputs_), point);
  Tensor derivative = torch::empty_like(Cast(cotangent_));
  mlp.ParameterJvp(Cast(parameters_), point, Cast(tangent_), derivative);
  ExpectClose(derivative, expected);
}

TEST_P(MlpTest, DifferenceAndDerivativesAtTheMovedPointEqualAutograd) {
  for (const double scale : {1e-5, 1e-2, 1.0}) {
    const Tensor delta = Cast(scale * torch::randn_like(inputs_));
    const Tensor parameters = parameters_.clone().requires_grad_();
    const Tensor moved_inputs = (inputs_ + delta.to(torch::kFloat64)).requires_grad_();
    const Tensor outputs = Reference(Shape(), parameters, moved_inputs);
    const Tensor difference = outputs - Reference(Shape(), parameters_, inputs_);
    const auto expected =
        torch::autograd::grad({(outputs * cotangent_).sum()}, {parameters, moved_inputs});

    BatchedMlp mlp = MakeMlp();
    MlpPoint origin = mlp.NewPoint(Rows(), BatchedMlp::Keep::kPreAndPost);
    MlpPoint moved = mlp.NewPoint(Rows());
    Tensor actual = torch::empty_like(Cast(cotangent_));
    mlp.Forward(Cast(parameters_), Cast(inputs_), origin);
    mlp.ForwardDifference(Cast(parameters_), origin, delta, moved, actual);
    // In float32 the difference is precise relative to itself, not to the outputs. In
    // float64 it is the oracle that subtracts.
    if (GetSetting().dtype == torch::kFloat32) {
      ExpectClose(actual, difference.detach());
    } else {
      EXPECT_LT((actual - difference).abs().max().item<double>(), 1e-12);
    }
    Tensor parameter_gradient = torch::empty_like(Cast(parameters_));
    mlp.ParameterVjp(Cast(parameters_), moved, Cast(cotangent_), parameter_gradient);
    ExpectClose(parameter_gradient, expected[0]);
    Tensor input_gradient = torch::empty_like(Cast(inputs_));
    mlp.InputVjp(Cast(parameters_), moved, Cast(cotangent_), input_gradient);
    ExpectClose(input_gradient, expected[1]);
  }
}

// As a critic's inputs do: its states move, its actions stay.
TEST_P(MlpTest, AMoveOfTheFirstInputsAloneEqualsAMoveOfAllWithZeros) {
  const int64_t width = (Shape().inputs + 1) / 2;
  const Tensor delta = Cast(0.3 * torch::randn({kMembers, Rows(), width}));
  Tensor all = torch::zeros_like(Cast(inputs_));
  all.narrow(2, 0, width).copy_(delta);
  BatchedMlp mlp = MakeMlp();
  MlpPoint origin = mlp.NewPoint(Rows(), BatchedMlp::Keep::kPreAndPost);
  MlpPoint moved = mlp.NewPoint(Rows());
  Tensor expected = torch::empty_like(Cast(cotangent_));
  Tensor actual = torch::full_like(expected, NAN);
  mlp.Forward(Cast(parameters_), Cast(inputs_), origin);
  mlp.ForwardDifference(Cast(parameters_), origin, all, moved, expected);
  mlp.ForwardDifference(Cast(parameters_), origin, delta, moved, actual);
  ExpectClose(actual, expected.to(torch::kFloat64));
  EXPECT_TRUE(torch::equal(moved.inputs, origin.inputs + all));
}

TEST_P(MlpTest, TheGradientInSomeInputsIsAPartOfTheOneInAll) {
  BatchedMlp mlp = MakeMlp();
  MlpPoint point = mlp.NewPoint(Rows());
  mlp.Forward(Cast(parameters_), Cast(inputs_), point);
  Tensor all = torch::empty_like(Cast(inputs_));
  mlp.InputVjp(Cast(parameters_), point, Cast(cotangent_), all);
  Tensor transposed = torch::empty_like(Cast(parameters_));
  mlp.TransposeWeights(Cast(parameters_), transposed);
  for (int64_t first = 0; first < Shape().inputs; first += 2) {
    Tensor some = torch::full({kMembers, Rows(), Shape().inputs - first}, NAN, all.options());
    mlp.InputVjp(Cast(parameters_), point, Cast(cotangent_), some, first);
    ExpectClose(some, all.slice(2, first).to(torch::kFloat64));
    some.fill_(NAN);
    mlp.InputVjpTransposed(transposed, point, Cast(cotangent_), some, first);
    ExpectClose(some, all.slice(2, first).to(torch::kFloat64));
  }
}

TEST_P(MlpTest, AddedParameterGradientsAreTheSumOfBoth) {
  BatchedMlp mlp = MakeMlp();
  MlpPoint point = mlp.NewPoint(Rows());
  mlp.Forward(Cast(parameters_), Cast(inputs_), point);
  Tensor gradient = torch::empty_like(Cast(parameters_));
  Tensor sum = Cast(tangent_).clone();
  mlp.ParameterVjp(Cast(parameters_), point, Cast(cotangent_), gradient);
  mlp.AddParameterVjp(Cast(parameters_), point, Cast(cotangent_), sum);
  ExpectClose(sum, tangent_ + gradient.to(torch::kFloat64));
}

TEST_P(MlpTest, ParametersMayBePartOfALargerVector) {
  const Tensor larger = torch::zeros({kMembers, parameters_.size(1) + 5},
                                     Cast(parameters_).options());
  const Tensor part = larger.narrow(1, 2, parameters_.size(1));
  part.copy_(parameters_);
  BatchedMlp mlp = MakeMlp();
  MlpPoint point = mlp.NewPoint(Rows());
  MlpPoint from_part = mlp.NewPoint(Rows());
  mlp.Forward(Cast(parameters_), Cast(inputs_), point);
  mlp.Forward(part, Cast(inputs_), from_part);
  EXPECT_TRUE(torch::equal(point.outputs(), from_part.outputs()));
  Tensor gradient = torch::empty_like(Cast(parameters_));
  mlp.ParameterVjp(part, from_part, Cast(cotangent_), gradient);
  Tensor target = torch::zeros_like(larger);
  mlp.ParameterVjp(part, from_part, Cast(cotangent_), target.narrow(1, 2, part.size(1)));
  EXPECT_TRUE(torch::equal(gradient, target.narrow(1, 2, part.size(1))));
  EXPECT_EQ(target.narrow(1, 0, 2).abs().sum().item<double>(), 0);
}

// Alone, beside others, and whatever their values are.
TEST_P(MlpTest, AFusedMemberHasTheSameBitsAlone) {
  if (GetSetting().backend != MlpBackend::kFused) return;
  BatchedMlp all = MakeMlp();
  BatchedMlp one(Shape(), 1, {torch::kCPU, torch::kFloat32, MlpBackend::kFused});
  MlpPoint all_point = all.NewPoint(Rows());
  MlpPoint one_point = one.NewPoint(Rows());
  const Tensor parameters = Cast(parameters_);
  Tensor all_gradient = torch::empty_like(parameters);
  Tensor one_gradient = torch::empty_like(parameters.narrow(0, 0, 1));
  Tensor all_derivative = torch::empty_like(Cast(cotangent_));
  Tensor one_derivative = torch::empty_like(Cast(cotangent_).narrow(0, 0, 1));
  all.Forward(parameters, Cast(inputs_), all_point);
  all.ParameterVjp(parameters, all_point, Cast(cotangent_), all_gradient);
  all.ParameterJvp(parameters, all_point, Cast(tangent_), all_derivative);
  for (int64_t m = 0; m < kMembers; ++m) {
    const auto part = [m](const Tensor& tensor) { return tensor.narrow(0, m, 1); };
    one.Forward(part(parameters), part(Cast(inputs_)), one_point);
    one.ParameterVjp(part(parameters), one_point, part(Cast(cotangent_)), one_gradient);
    one.ParameterJvp(part(parameters), one_point, part(Cast(tangent_)), one_derivative);
    EXPECT_TRUE(torch::equal(one_point.outputs(), part(all_point.outputs())));
    EXPECT_TRUE(torch::equal(one_gradient, part(all_gradient)));
    EXPECT_TRUE(torch::equal(one_derivative, part(all_derivative)));
  }
}

std::string CaseName(const testing::TestParamInfo<std::tuple<Case, int>>& info) {
  const std::vector<std::string> settings = {"Torch64", "Torch32", "Fused32"};
  return std::get<0>(info.param).name + settings[std::get<1>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Networks, MlpTest,
                         testing::Combine(testing::ValuesIn(Cases()), testing::Values(0, 1, 2)),
                         CaseName);

TEST(MlpShapeTest, CountsWeightsAndBiases) {
  EXPECT_EQ(NumParameters({17, {64, 64}, 6, Activation::kTanh, Activation::kLinear}),
            17 * 64 + 64 + 64 * 64 + 64 + 64 * 6 + 6);
  EXPECT_THROW(NumParameters({17, {0}, 6, Activation::kTanh, Activation::kLinear}),
               std::invalid_argument);
}

TEST(MlpConstructionTest, RefusesWhatItCannotCompute) {
  const MlpShape shape = {2, {3}, 1, Activation::kTanh, Activation::kLinear};
  EXPECT_THROW(BatchedMlp(shape, 0, {}), std::invalid_argument);
  EXPECT_THROW(BatchedMlp(shape, 1, {torch::kCPU, torch::kFloat64, MlpBackend::kFused}),
               std::invalid_argument);
  EXPECT_THROW(BatchedMlp(shape, 1, {torch::kCPU, torch::kInt64, MlpBackend::kTorch}),
               std::invalid_argument);
}

}  // namespace
}  // namespace sr2l
