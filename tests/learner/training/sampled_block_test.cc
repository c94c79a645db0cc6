#include "learner/training/sampled_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Bytes(const std::vector<float>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()),
                     numbers.size() * sizeof(float));
}

std::vector<float> Numbers(const torch::Tensor& tensor) {
  const torch::Tensor values = tensor.contiguous();
  return {values.data_ptr<float>(), values.data_ptr<float>() + values.numel()};
}

// Three draws from draw 10 of members 2 and 5, whose observation and action are one number.
v1::SampleRequest Request() {
  v1::SampleRequest request;
  request.add_members()->set_member(2);
  request.add_members()->set_member(5);
  request.set_first_draw(10);
  request.set_num_draws(3);
  return request;
}

v1::SampleResponse Summary(uint32_t member) {
  v1::SampleResponse part;
  part.mutable_summary()->set_member(member);
  part.mutable_summary()->add_end_step(40);
  return part;
}

// Row i: observation 100 member + i, next observation half more, action 0.5, reward i.
v1::SampleResponse Rows(uint32_t member, uint64_t first_draw, const std::string& flags) {
  v1::SampleResponse part;
  v1::SampledRows& rows = *part.mutable_rows();
  rows.set_member(member);
  rows.set_first_draw(first_draw);
  rows.set_num_rows(static_cast<uint32_t>(flags.size()));
  for (size_t i = 0; i < flags.size(); ++i) {
    const float number = static_cast<float>(100 * member + first_draw - 10 + i);
    rows.mutable_observations()->append(Bytes({number}));
    rows.mutable_next_observations()->append(Bytes({number + 0.5f}));
    rows.mutable_actions()->append(Bytes({0.5f}));
    rows.mutable_rewards()->append(Bytes({static_cast<float>(i)}));
  }
  rows.set_flags(flags);
  return part;
}

TEST(SampleAssemblyTest, PutsRowsOfSeveralMessagesAndMembersIntoTheirPlaces) {
  SampleAssembly assembly(Request(), /*observation_dim=*/1, /*action_dim=*/1);
  for (const v1::SampleResponse& part :
       {Summary(2), Rows(2, 10, std::string("\0\1", 2)), Rows(2, 12, std::string("\2", 1)),
        Summary(5), Rows(5, 10, std::string("\3\0\0", 3))}) {
    ASSERT_EQ(assembly.Add(part), absl::OkStatus());
  }
  const absl::StatusOr<SampledBlock> block = assembly.Finish();
  ASSERT_TRUE(block.ok()) << block.status();
  ASSERT_EQ(block->summaries.size(), 2);
  EXPECT_EQ(block->summaries[1].member(), 5);
  const TransitionBlock& transitions = block->transitions;
  EXPECT_THAT(transitions.observations.sizes(), ElementsAre(2, 3, 1));
  EXPECT_THAT(Numbers(transitions.observations), ElementsAre(200, 201, 202, 500, 501, 502));
  EXPECT_THAT(Numbers(transitions.next_observations),
              ElementsAre(200.5, 201.5, 202.5, 500.5, 501.5, 502.5));
  EXPECT_THAT(Numbers(transitions.rewards), ElementsAre(0, 1, 0, 0, 1, 2));
  EXPECT_THAT(Numbers(transitions.terminated), ElementsAre(0, 1, 0, 1, 0, 0));
  EXPECT_THAT(Numbers(transitions.truncated), ElementsAre(0, 0, 1, 1, 0, 0));
}

TEST(SampleAssemblyTest, SummariesAloneAreWhatIsAskedForWithoutDraws) {
  v1::SampleRequest request = Request();
  request.set_num_draws(0);
  SampleAssembly assembly(request, 1, 1);
  ASSERT_EQ(assembly.Add(Summary(2)), absl::OkStatus());
  ASSERT_EQ(assembly.Add(Summary(5)), absl::OkStatus());
  const absl::StatusOr<SampledBlock> block = assembly.Finish();
  ASSERT_TRUE(block.ok()) << block.status();
  EXPECT_THAT(block->transitions.rewards.sizes(), ElementsAre(2, 0));
}

TEST(SampleAssemblyTest, WhatIsNotTheAnswerToTheRequestIsRefused) {
  v1::SampleResponse short_rows = Rows(2, 10, std::string(3, '\0'));
  short_rows.mutable_rows()->mutable_actions()->resize(4);
  const std::vector<std::vector<v1::SampleResponse>> wrong = {
      {Summary(5)},                                              // not the first member
      {Rows(2, 10, std::string(3, '\0'))},                       // before its summary
      {Summary(2), Rows(2, 11, std::string(1, '\0'))},           // a row is missing
      {Summary(2), Rows(2, 10, std::string(4, '\0'))},           // too many
      {Summary(2), Rows(5, 10, std::string(3, '\0'))},           // another member's
      {Summary(2), Rows(2, 10, std::string(2, '\0')), Summary(5)},  // before the last row
      {Summary(2), short_rows},                                  // a column is too short
      {Summary(2), Rows(2, 10, "")},                             // no row at all
  };
  for (size_t i = 0; i < wrong.size(); ++i) {
    SampleAssembly assembly(Request(), 1, 1);
    absl::Status status;
    for (const v1::SampleResponse& part : wrong[i]) {
      EXPECT_EQ(status, absl::OkStatus()) << i;
      status = assembly.Add(part);
    }
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << i;
  }
}

TEST(SampleAssemblyTest, MissingRowsOrMembersAreAnError) {
  SampleAssembly assembly(Request(), 1, 1);
  ASSERT_EQ(assembly.Add(Summary(2)), absl::OkStatus());
  ASSERT_EQ(assembly.Add(Rows(2, 10, std::string(3, '\0'))), absl::OkStatus());
  EXPECT_THAT(std::string(assembly.Finish().status().message()), HasSubstr("too few"));
}

}  // namespace
}  // namespace sr2l
