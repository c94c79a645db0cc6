#include "common/log/log.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

std::string Captured(const std::string& process_name, LogFormat format,
                     const std::string& message) {
  testing::internal::CaptureStderr();
  InitializeLog(process_name, format);
  SR2L_WARNING("{}", message);
  return testing::internal::GetCapturedStderr();
}

TEST(LogTest, AJsonLineHoldsAnyMessage) {
  std::string message = "quote \" backslash \\ {braces} ";
  for (char c = 1; c < 32; ++c) message += c;
  const std::string line = Captured("json-process", LogFormat::kJson, message);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  google::protobuf::Struct parsed;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &parsed).ok()) << line;
  EXPECT_EQ(parsed.fields().at("message").string_value(), message);
  EXPECT_EQ(parsed.fields().at("level").string_value(), "warning");
  EXPECT_EQ(parsed.fields().at("process").string_value(), "json-process");
  EXPECT_THAT(parsed.fields().at("time").string_value(),
              testing::MatchesRegex("[0-9-]+T[0-9:]+\\.[0-9]+Z"));
}

TEST(LogTest, ATextLineHasTimeLevelProcessAndMessage) {
  EXPECT_THAT(Captured("text-process", LogFormat::kText, "stored 3"),
              HasSubstr(" W text-process: stored 3\n"));
}

}  // namespace
}  // namespace sr2l
