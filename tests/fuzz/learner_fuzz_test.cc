// A bounded, seeded run of the fuzz target: valid messages, spoilt in their bytes.
#include "tests/fuzz/learner_fuzz.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/config/load.h"
#include "sr2l/v1/experiment.pb.h"
#include "sr2l/v1/fleet.pb.h"
#include "tests/common/config_texts.h"
#include "tests/common/dice.h"
#include "tests/fuzz/records.h"

namespace sr2l {
namespace {

std::string Submission(Dice& dice) {
  static const std::vector<std::string> texts = ValidExperiments();
  v1::SubmitRequest request;
  *request.mutable_config() = *ParseExperiment(texts[dice.Below(texts.size())], "text");
  return request.SerializeAsString();
}

std::string Content(Dice& dice, LearnerRecord kind) {
  switch (kind) {
    case LearnerRecord::kSubmit:
      return Submission(dice);
    case LearnerRecord::kJoin: {
      v1::JoinRequest request;
      request.set_actor_name(std::string(dice.OneIn(10) ? dice.Below(200) : 5, 'a'));
      request.set_max_streams(
          static_cast<uint32_t>(dice.OneIn(4) ? dice.Number() : dice.Below(8)));
      return request.SerializeAsString();
    }
    case LearnerRecord::kReportFailure: {
      v1::ReportFailureRequest request;
      request.set_experiment_id(dice.OneIn(4) ? "f" : kFuzzExperiment);
      request.set_reason(std::string(dice.Below(40), 'r'));
      return request.SerializeAsString();
    }
    case LearnerRecord::kReportEvaluation: {
      v1::ReportEvaluationRequest request;
      request.set_experiment_id(kFuzzExperiment);
      request.set_member(static_cast<uint32_t>(dice.Below(4)));
      request.set_round(kFuzzRound);
      // Among those that the fleet gives out first.
      request.set_epoch((uint64_t{1} << 32) + dice.Below(20));
      return request.SerializeAsString();
    }
    case LearnerRecord::kLeave:
    case LearnerRecord::kStopMember:
      break;
  }
  return std::string(1, static_cast<char>(dice.Below(12)));
}

std::string MakeInput(uint64_t index) {
  Dice dice(index);
  std::string input;
  const uint64_t records = 1 + dice.Below(20);
  for (uint64_t i = 0; i < records; ++i) {
    const auto kind = static_cast<LearnerRecord>(dice.Below(kLearnerRecords));
    std::string content = Content(dice, kind);
    while (dice.OneIn(4)) dice.SpoilBytes(content);
    input += EncodeRecord(static_cast<uint8_t>(kind), content);
  }
  while (dice.OneIn(4)) dice.SpoilBytes(input);
  return input;
}

TEST(LearnerFuzzTest, NoMessageBreaksResolvingOrContradictsTheModelOfTheFleet) {
  for (uint64_t index = 0; index < 3000; ++index) RunFuzzTarget(MakeInput(index));
  EXPECT_GT(LearnerCounts().resolved, 100u);
  EXPECT_GT(LearnerCounts().joined, 1000u);
  EXPECT_GT(LearnerCounts().failures, 100u);
  EXPECT_GT(LearnerCounts().evaluations, 20u);
  EXPECT_GT(LearnerCounts().refused, 100u);
}

}  // namespace
}  // namespace sr2l
