// The ranges in the .proto files' comments are what people read; validation must agree.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/config/load.h"
#include "common/config/validate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/common/config_texts.h"

namespace sr2l {
namespace {

// A field with a range in its comment: "optional double max_kl = 3; // in (0, 100]".
struct DocumentedRange {
  std::string message;
  std::string field;
  bool is_integer;
  bool low_open;
  double low;
  double high;
  bool high_open;
};

std::vector<DocumentedRange> ReadRanges(const std::string& file) {
  const char* source = std::getenv("SR2L_SOURCE");
  EXPECT_NE(source, nullptr) << "run by ctest, which sets it";
  std::ifstream stream(absl::StrCat(source == nullptr ? "." : source, "/proto/sr2l/v1/", file));
  const std::regex message_line(R"(^message (\w+) \{.*)");
  const std::regex field_line(R"(^  +(?:optional |repeated )(int32|double) (\w+) = .*)");
  const std::regex interval(R"(//.*([\[\(])(-?[\de.]+), (-?[\de.]+)([\]\)]))");
  std::vector<DocumentedRange> ranges;
  std::string message;
  for (std::string line; std::getline(stream, line);) {
    std::smatch match;
    if (std::regex_match(line, match, message_line)) message = match[1];
    if (!std::regex_match(line, match, field_line)) continue;
    const std::string type = match[1];
    const std::string field = match[2];
    if (!std::regex_search(line, match, interval)) continue;
    ranges.push_back({message, field, type == "int32", match[1] == "(", std::stod(match[2]),
                      std::stod(match[3]), match[4] == ")"});
  }
  return ranges;
}

// Where messages of a type stand in an experiment.
const std::map<std::string, std::string>& Prefixes() {
  static const auto* prefixes = new std::map<std::string, std::string>{
      {"ExperimentConfig", ""},
      {"TrpoConfig", "trpo."},
      {"ValueNetworkConfig", "trpo.value_network."},
      {"LinearBaselineConfig", "trpo.linear_baseline."},
      {"DdpgConfig", "ddpg."},
      {"OrnsteinUhlenbeckConfig", "ddpg.exploration.ornstein_uhlenbeck."},
      {"GaussianNoiseConfig", "ddpg.exploration.gaussian."},
      {"ObservationNormalizationConfig", "observation_normalization."},
      {"LimiterConfig", "limiter."},
      {"EvaluationConfig", "evaluation."},
      {"SmoothnessConfig", "smoothness."},
      {"TaskConfig", "task."},
  };
  return *prefixes;
}

// What validation says of the field with this value; empty if nothing.
std::string Complaint(const std::string& path, double value) {
  v1::ExperimentConfig config = ParseExperiment(kBoxExperiment, "box").value();
  char text[64];
  std::snprintf(text, sizeof(text), "%.17g", value);
  EXPECT_EQ(ApplyOverride(absl::StrCat(path, "=", text), config), absl::OkStatus());
  const std::string message(Validate(config).message());
  // Fields that have to fit each other are another matter.
  const bool of_range = message.find(" must be in ") != std::string::npos &&
                        message.find("must be in (0, trpo.initial_sigma") == std::string::npos;
  return of_range ? message : "";
}

void ExpectAgreement(const DocumentedRange& range) {
  const std::string path = absl::StrCat(Prefixes().at(range.message), range.field);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto below = [&range](double x) {
    return range.is_integer ? x - 1 : std::nextafter(x, -kInfinity);
  };
  const auto above = [&range](double x) {
    return range.is_integer ? x + 1 : std::nextafter(x, kInfinity);
  };
  const double first = range.low_open ? above(range.low) : range.low;
  const double last = range.high_open ? below(range.high) : range.high;
  EXPECT_EQ(Complaint(path, first), "");
  EXPECT_EQ(Complaint(path, last), "");
  EXPECT_THAT(Complaint(path, below(first)), testing::StartsWith(path));
  EXPECT_THAT(Complaint(path, above(last)), testing::StartsWith(path));
}

TEST(ProtoRangesTest, ValidationAgreesWithTheCommentAtBothEndsOfEveryRange) {
  int checked = 0;
  for (const char* file : {"experiment.proto", "task.proto"}) {
    for (const DocumentedRange& range : ReadRanges(file)) {
      if (Prefixes().count(range.message) == 0) continue;
      ExpectAgreement(range);
      ++checked;
    }
  }
  EXPECT_GE(checked, 34);
}

}  // namespace
}  // namespace sr2l
