#include <string>
#include <vector>

#include "common/config/load.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string ParseError(const std::string& text) {
  const auto config = ParseExperiment(text, "box.textproto");
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(config.status().message());
}

v1::ExperimentConfig Parse(const std::string& text) {
  const auto config = ParseExperiment(text, "box.textproto");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : v1::ExperimentConfig();
}

std::vector<uint64_t> Seeds(const std::string& list) {
  const v1::ExperimentConfig config = Parse("members { seeds: " + list + " }");
  return {config.members().seeds().begin(), config.members().seeds().end()};
}

TEST(ParseExperimentTest, AnUnknownFieldIsNamedWithItsLineAndColumn) {
  EXPECT_THAT(ParseError("rounds: 3\ntrpo {\n  max_lk: 0.1\n}"),
              testing::AllOf(StartsWith("box.textproto:3:9: "), HasSubstr("\"max_lk\""),
                             HasSubstr("Did you mean max_kl?")));
  EXPECT_THAT(ParseError("smothness {}"), HasSubstr("Did you mean smoothness?"));
}

TEST(ParseExperimentTest, AWrongValueIsNamedWithItsLineAndColumn) {
  EXPECT_THAT(ParseError("rounds: many"), StartsWith("box.textproto:1:9: "));
  EXPECT_THAT(ParseError("\n\nsmoothness { on: ACTOR }"),
              testing::AllOf(StartsWith("box.textproto:3:"), HasSubstr("ACTOR")));
  EXPECT_THAT(ParseError("rounds: 3\nrounds: 4"), StartsWith("box.textproto:2:"));
  EXPECT_THAT(ParseError("trpo {} trpo {}"), StartsWith("box.textproto:1:"));
  EXPECT_THAT(ParseError("rounds: 99999999999"), StartsWith("box.textproto:1:9: "));
}

TEST(ParseExperimentTest, TextThatEndsTooEarlyIsRefused) {
  EXPECT_THAT(ParseError("trpo {\n"), StartsWith("box.textproto:2:1: "));
  EXPECT_THAT(ParseError("name: \"abc"), StartsWith("box.textproto:1:"));
}

TEST(ParseExperimentTest, TabsCountAsOneColumn) {
  EXPECT_THAT(ParseError("\t\trounds: many"), StartsWith("box.textproto:1:11: "));
  EXPECT_THAT(ParseError("members {\tseeds: [0..9] }\tx: 1"), StartsWith("box.textproto:1:28: "));
}

TEST(ParseExperimentTest, ARangeStandsForAllItsIntegers) {
  EXPECT_THAT(Seeds("[0..3]"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Seeds("[7..7]"), ElementsAre(7));
  EXPECT_THAT(Seeds("[0..2, 9, 5 .. 6]"), ElementsAre(0, 1, 2, 9, 5, 6));
  EXPECT_THAT(Seeds("[18446744073709551614..18446744073709551615]"),
              ElementsAre(18446744073709551614u, 18446744073709551615u));
  EXPECT_THAT(Seeds("[0..999]"), testing::SizeIs(1000));
  EXPECT_THAT(Seeds("[]"), IsEmpty());
}

TEST(ParseExperimentTest, ARangeMovesNoPosition) {
  EXPECT_THAT(ParseError("members { seeds: [0..99] } rounds: many"),
              StartsWith("box.textproto:1:36: "));
  EXPECT_THAT(ParseError("members {\n seeds: [10..20,\n30..40] }\nrounds: many"),
              StartsWith("box.textproto:4:9: "));
  EXPECT_THAT(ParseError("members { seeds: [0..5, x] }"), StartsWith("box.textproto:1:25: "));
  // What is wrong lies inside what the range stands for.
  EXPECT_THAT(ParseError("members { seeds: [1, 0..5 6] }"), StartsWith("box.textproto:1:27: "));
  EXPECT_THAT(ParseError("collection: [0..5]"), StartsWith("box.textproto:1:"));
}

TEST(ParseExperimentTest, ARangeInACommentOrStringStaysAsItIs) {
  EXPECT_EQ(Parse("name: '[0..3]'").name(), "[0..3]");
  EXPECT_EQ(Parse("name: \"a\\\"[0..3]\"").name(), "a\"[0..3]");
  EXPECT_EQ(Parse("rounds: 3 # [0..3\nname: 'x'").rounds(), 3);
  EXPECT_THAT(ParseError("members { seeds: ['0..3'] }"), StartsWith("box.textproto:1:19: "));
}

TEST(ParseExperimentTest, AWrongRangeIsRefusedWhereItStands) {
  for (const char* wrong : {"5..4", "0..1000", "0..99999999999999999999999"}) {
    const std::string error = ParseError(std::string("\nmembers { seeds: [1, ") + wrong + "] }");
    EXPECT_THAT(error, StartsWith("box.textproto:2:22: the range"));
    EXPECT_THAT(error, HasSubstr("at most 1000 elements"));
  }
  EXPECT_THAT(ParseError("members { seeds: 0..3 }"), StartsWith("box.textproto:1:"));
  EXPECT_THAT(ParseError("members { seeds: [-3..3] }"), StartsWith("box.textproto:1:"));
  EXPECT_THAT(ParseError("members { seeds: [0...3] }"), StartsWith("box.textproto:1:"));
}

TEST(ParseExperimentTest, ManyRangesCannotFillTheMemory) {
  std::string text = "members { seeds: [";
  for (int i = 0; i < 100000; ++i) text += "0..999, ";
  EXPECT_THAT(ParseError(text + "0] }"), HasSubstr("at most 10000 elements"));
}

}  // namespace
}  // namespace sr2l
