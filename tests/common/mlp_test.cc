#include "common/policy/mlp.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/random/philox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

v1::NetworkShape Shape(int inputs, std::vector<int> hidden, int outputs,
                       v1::Activation activation = v1::TANH,
                       v1::Activation output_activation = v1::LINEAR) {
  v1::NetworkShape shape;
  shape.set_inputs(inputs);
  for (const int width : hidden) shape.add_hidden(width);
  shape.set_outputs(outputs);
  shape.set_activation(activation);
  shape.set_output_activation(output_activation);
  return shape;
}

// Numbers in (-scale, scale); `index` tells the arrays of a test apart.
std::vector<float> Numbers(size_t count, uint64_t index, double scale) {
  std::vector<double> uniforms(count);
  Philox(/*seed=*/7, Purpose::kPolicyInit)
      .FillUniform(index, static_cast<uint32_t>(count), uniforms.data());
  std::vector<float> numbers(count);
  for (size_t i = 0; i < count; ++i) {
    numbers[i] = static_cast<float>(scale * (2 * uniforms[i] - 1));
  }
  return numbers;
}

std::string Bytes(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

std::vector<float> Parameters(const v1::NetworkShape& shape) {
  return Numbers(static_cast<size_t>(Mlp::NumParameters(shape)), /*index=*/1, /*scale=*/0.5);
}

Mlp Make(const v1::NetworkShape& shape) {
  return Mlp::Create(shape, Bytes(Parameters(shape))).value();
}

double Activate(v1::Activation activation, double x) {
  if (activation == v1::TANH) return std::tanh(x);
  if (activation == v1::RELU) return x > 0 ? x : 0;
  return x;
}

// The network as its definition reads, one output at a time, in double.
std::vector<double> SlowForward(const v1::NetworkShape& shape, std::vector<double> values) {
  const std::vector<float> parameters = Parameters(shape);
  size_t offset = 0;
  for (int layer = 0; layer <= shape.hidden_size(); ++layer) {
    const bool last = layer == shape.hidden_size();
    const size_t in = values.size();
    const size_t out = last ? shape.outputs() : shape.hidden(layer);
    std::vector<double> next(out);
    for (size_t j = 0; j < out; ++j) {
      next[j] = parameters[offset + in * out + j];
      for (size_t i = 0; i < in; ++i) next[j] += values[i] * parameters[offset + i * out + j];
      next[j] = Activate(last ? shape.output_activation() : shape.activation(), next[j]);
    }
    offset += (in + 1) * out;
    values = next;
  }
  EXPECT_EQ(offset, parameters.size());
  return values;
}

std::vector<double> Doubles(const float* values, int count) {
  return std::vector<double>(values, values + count);
}

const std::vector<v1::NetworkShape>& Shapes() {
  static const auto* shapes = new std::vector<v1::NetworkShape>{
      Shape(17, {64, 64}, 6),
      Shape(4, {5}, 1),
      Shape(3, {}, 2),
      Shape(111, {64, 64}, 8, v1::RELU, v1::TANH),
      Shape(8, {13, 7, 9}, 2, v1::TANH, v1::RELU),
      Shape(1, {1, 1, 1, 1, 1, 1, 1, 1}, 1),
      Shape(200, {300}, 37, v1::LINEAR),
  };
  return *shapes;
}

TEST(MlpTest, ForwardAgreesWithTheDefinitionInDouble) {
  constexpr int kBatch = 5;
  for (const v1::NetworkShape& shape : Shapes()) {
    const Mlp mlp = Make(shape);
    const std::vector<float> inputs = Numbers(kBatch * mlp.inputs(), 2, 1.0);
    std::vector<float> outputs(kBatch * mlp.outputs());
    mlp.Forward(inputs.data(), kBatch, outputs.data());
    for (int row = 0; row < kBatch; ++row) {
      const std::vector<double> expected =
          SlowForward(shape, Doubles(&inputs[row * mlp.inputs()], mlp.inputs()));
      for (int i = 0; i < mlp.outputs(); ++i) {
        // float32 sums of some hundred terms of size one.
        EXPECT_NEAR(outputs[row * mlp.outputs() + i], expected[i], 2e-5)
            << shape.ShortDebugString();
      }
    }
  }
}

TEST(MlpTest, ARowHasTheSameBitsInEveryBatchAndAtEveryAlignment) {
  constexpr int kBatch = 37;
  for (const v1::NetworkShape& shape : Shapes()) {
    const Mlp mlp = Make(shape);
    const std::vector<float> inputs = Numbers(kBatch * mlp.inputs(), 3, 2.0);
    const std::vector<float> cotangents = Numbers(kBatch * mlp.outputs(), 4, 1.0);
    std::vector<float> outputs(kBatch * mlp.outputs());
    std::vector<float> gradient(kBatch * mlp.inputs());
    mlp.Forward(inputs.data(), kBatch, outputs.data());
    mlp.InputGradient(inputs.data(), cotangents.data(), kBatch, gradient.data());
    for (int row = 0; row < kBatch; ++row) {
      const int shift = row % 9;
      std::vector<float> input(mlp.inputs() + shift);
      std::vector<float> alone(mlp.outputs() + shift);
      std::vector<float> gradient_alone(mlp.inputs() + shift);
      std::copy_n(&inputs[row * mlp.inputs()], mlp.inputs(), &input[shift]);
      mlp.Forward(&input[shift], 1, &alone[shift]);
      mlp.InputGradient(&input[shift], &cotangents[row * mlp.outputs()], 1,
                        &gradient_alone[shift]);
      EXPECT_EQ(0, std::memcmp(&alone[shift], &outputs[row * mlp.outputs()],
                               mlp.outputs() * sizeof(float)));
      EXPECT_EQ(0, std::memcmp(&gradient_alone[shift], &gradient[row * mlp.inputs()],
                               mlp.inputs() * sizeof(float)));
    }
  }
}

TEST(MlpTest, InputGradientAgreesWithCentralDifferences) {
  constexpr int kBatch = 3;
  for (const v1::NetworkShape& shape : Shapes()) {
    const Mlp mlp = Make(shape);
    const std::vector<float> inputs = Numbers(kBatch * mlp.inputs(), 5, 1.0);
    const std::vector<float> cotangents = Numbers(kBatch * mlp.outputs(), 6, 1.0);
    std::vector<float> gradient(kBatch * mlp.inputs());
    mlp.InputGradient(inputs.data(), cotangents.data(), kBatch, gradient.data());
    for (int row = 0; row < kBatch; ++row) {
      const auto objective = [&](std::vector<double> input) {
        const std::vector<double> output = SlowForward(shape, std::move(input));
        double sum = 0;
        for (int i = 0; i < mlp.outputs(); ++i) {
          sum += cotangents[row * mlp.outputs() + i] * output[i];
        }
        return sum;
      };
      for (int i = 0; i < mlp.inputs(); ++i) {
        constexpr double kStep = 1e-6;
        std::vector<double> input = Doubles(&inputs[row * mlp.inputs()], mlp.inputs());
        input[i] += kStep;
        const double above = objective(input);
        input[i] -= 2 * kStep;
        const double below = objective(input);
        EXPECT_NEAR(gradient[row * mlp.inputs() + i], (above - below) / (2 * kStep), 5e-5)
            << shape.ShortDebugString();
      }
    }
  }
}

TEST(MlpTest, ThreadsShareOneNetwork) {
  constexpr int kBatch = 64;
  const Mlp mlp = Make(Shape(17, {64, 64}, 6));
  const std::vector<float> inputs = Numbers(kBatch * 17, 8, 1.0);
  std::vector<float> expected(kBatch * 6);
  mlp.Forward(inputs.data(), kBatch, expected.data());
  std::vector<std::vector<float>> results(4, std::vector<float>(kBatch * 6));
  std::vector<std::thread> threads;
  for (std::vector<float>& result : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) mlp.Forward(inputs.data(), kBatch, result.data());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& result : results) EXPECT_EQ(result, expected);
}

TEST(MlpTest, AnEmptyBatchWritesNothing) {
  const Mlp mlp = Make(Shape(4, {5}, 1));
  mlp.Forward(nullptr, 0, nullptr);
  mlp.InputGradient(nullptr, nullptr, 0, nullptr);
}

TEST(MlpTest, NumParametersCountsWeightsAndBiases) {
  EXPECT_EQ(Mlp::NumParameters(Shape(17, {64, 64}, 6)),
            17 * 64 + 64 + 64 * 64 + 64 + 64 * 6 + 6);
  EXPECT_EQ(Mlp::NumParameters(Shape(3, {}, 2)), 3 * 2 + 2);
}

struct WrongShape {
  v1::NetworkShape shape;
  std::string expected;
};

TEST(MlpTest, AWrongShapeIsRefusedByName) {
  const std::vector<WrongShape> cases = {
      {Shape(0, {4}, 1), "network.inputs must be in [1, 10000], got 0"},
      {Shape(-3, {4}, 1), "network.inputs must be in [1, 10000], got -3"},
      {Shape(2000000000, {4}, 1), "network.inputs must be in [1, 10000], got 2000000000"},
      {Shape(3, {4}, 0), "network.outputs must be in [1, 1000], got 0"},
      {Shape(3, {4}, 1001), "network.outputs must be in [1, 1000], got 1001"},
      {Shape(3, {4, 0}, 1), "network.hidden[1] must be in [1, 4096], got 0"},
      {Shape(3, {4097}, 1), "network.hidden[0] must be in [1, 4096], got 4097"},
      {Shape(3, std::vector<int>(9, 2), 1), "network.hidden must have at most 8 layers, got 9"},
      {Shape(3, {4}, 1, v1::ACTIVATION_UNSPECIFIED),
       "network.activation must be TANH, RELU or LINEAR, got ACTIVATION_UNSPECIFIED"},
      {Shape(3, {4}, 1, v1::TANH, v1::ACTIVATION_UNSPECIFIED),
       "network.output_activation must be TANH, RELU or LINEAR, got ACTIVATION_UNSPECIFIED"},
  };
  for (const WrongShape& wrong : cases) {
    const absl::StatusOr<Mlp> mlp = Mlp::Create(wrong.shape, "");
    EXPECT_EQ(mlp.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(mlp.status().message()), HasSubstr(wrong.expected));
  }
}

TEST(MlpTest, ParametersOfAnotherSizeAreRefused) {
  const v1::NetworkShape shape = Shape(3, {4}, 1);
  const std::string bytes = Bytes(Parameters(shape));
  for (const std::string& wrong :
       {std::string(), bytes.substr(1), bytes.substr(4), bytes + std::string(4, '\0')}) {
    const absl::StatusOr<Mlp> mlp = Mlp::Create(shape, wrong);
    EXPECT_EQ(mlp.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(mlp.status().message()), HasSubstr("must have 84 bytes"));
  }
}

TEST(MlpTest, ParametersThatAreNotFiniteAreRefused) {
  const v1::NetworkShape shape = Shape(3, {4}, 1);
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    for (size_t i = 0; i < Parameters(shape).size(); ++i) {
      std::vector<float> parameters = Parameters(shape);
      parameters[i] = wrong;
      const absl::StatusOr<Mlp> mlp = Mlp::Create(shape, Bytes(parameters));
      EXPECT_EQ(mlp.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(mlp.status().message()), HasSubstr("must be finite"));
    }
  }
}

}  // namespace
}  // namespace sr2l
