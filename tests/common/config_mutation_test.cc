// A bounded run of what tests/fuzz/config_fuzz.cc does without bounds: valid texts and
// overrides, changed at random.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/common/config_properties.h"
#include "tests/common/config_texts.h"

namespace sr2l {
namespace {

constexpr int kIterations = 6000;

const std::vector<std::string>& Tokens() {
  static const auto* tokens = new std::vector<std::string>{
      "[0..9]", "[0..", "..", "[", "]", "{", "}", ":", "#", "\"", "'", "\\", "\n", "\t", "-",
      "1e308", "1e-308", "inf", "nan", "-0.0", "18446744073709551615", "-9223372036854775808",
      "9999999999999999999999", "0x7fffffff", "true", "task", "builtin: 'ant'", "trpo {}",
      "smoothness {}", "members { member {} }", "hidden: [1]", "[sr2l.v1.x]", "QPOS", "TANH",
      std::string(1, '\0'), "\xff\xfe", "\xc3\xa9", std::string(200, '{'), std::string(200, '[')};
  return *tokens;
}

std::vector<std::string> Assignments() {
  return {"trpo.max_kl=0.02", "members.seeds=[0..3]", "name=x", "smoothness={radius: 1}",
          "trpo.linear_baseline.ridge=1", "task.observation=[{quantity: QPOS clip: 1}]",
          "rounds=7", "trpo.activation=RELU", "task.reset.qpos.scale=0.1", "members.radius=[1, 2]"};
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }

  template <typename T>
  const T& Pick(const std::vector<T>& values) {
    return values[Below(values.size())];
  }

  std::string Mutate(std::string text, size_t changes) {
    for (size_t i = 0; i < changes; ++i) ChangeOnce(text);
    return text;
  }

 private:
  void ChangeOnce(std::string& text) {
    const size_t at = Below(text.size() + 1);
    const size_t length = Below(std::min<size_t>(text.size() - at, 12) + 1);
    switch (Below(6)) {
      case 0:
        text.insert(at, Pick(Tokens()));
        break;
      case 1:
        text.replace(at, length, Pick(Tokens()));
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(Below(text.size() + 1), Below(40)));
        break;
      case 4:
        if (at < text.size()) text[at] = static_cast<char>(random_());
        break;
      case 5:  // numbers stay numbers, so that validation is reached
        for (size_t i = at; i < std::min(at + 30, text.size()); ++i) {
          if (text[i] >= '0' && text[i] <= '9') text[i] = static_cast<char>('0' + Below(10));
        }
        break;
    }
  }

  std::mt19937_64 random_;
};

TEST(ConfigMutationTest, NoTextAndNoOverrideBreaksParsingValidatingOrResolving) {
  Mutator mutator(/*seed=*/20240229);
  int accepted = 0;
  for (int i = 0; i < kIterations; ++i) {
    const std::string text = mutator.Mutate(mutator.Pick(ValidExperiments()), mutator.Below(4));
    const std::string assignment = mutator.Mutate(mutator.Pick(Assignments()), mutator.Below(3));
    accepted += CheckConfigProperties(text, assignment);
  }
  // Both outcomes are met often.
  EXPECT_GT(accepted, kIterations / 20);
  EXPECT_LT(accepted, kIterations * 19 / 20);
}

TEST(ConfigMutationTest, DeepNestingIsRefused) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "task { reset { ";
  EXPECT_FALSE(CheckConfigProperties(text, ""));
  EXPECT_FALSE(CheckConfigProperties("", "smoothness=" + std::string(100000, '{')));
  EXPECT_FALSE(CheckConfigProperties(std::string(100000, '['), ""));
}

TEST(ConfigMutationTest, EveryBeginningOfAValidTextIsRefusedOrValid) {
  for (const std::string& text : ValidExperiments()) {
    for (size_t length = 0; length < text.size(); ++length) {
      CheckConfigProperties(text.substr(0, length), "rounds=1");
    }
  }
}

}  // namespace
}  // namespace sr2l
