// The contract says what a robot's controller must know.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/digest/sha256.h"
#include "deploy/export/contract_json.h"
#include "tests/deploy/export/export_fixture.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Coordinates(const exported::Observation& term) {
  std::string text;
  for (const exported::Coordinate& coordinate : term.coordinate()) {
    text += coordinate.name() + " " + coordinate.unit() + ";";
  }
  return text;
}

TEST(ContractTest, DescribesThePendulumAsItsModelFileDoes) {
  const exported::Contract contract = RandomExport(kExportCases[1]).contract();
  EXPECT_EQ(contract.task(), "inverted_pendulum");
  EXPECT_DOUBLE_EQ(contract.control_rate_hz(), 25);  // 2 physics steps of 0.02 s
  EXPECT_EQ(contract.observation_dim(), 4);
  ASSERT_EQ(contract.observation_size(), 2);
  EXPECT_EQ(contract.observation(0).quantity(), "QPOS");
  EXPECT_EQ(contract.observation(1).begin(), 2);
  EXPECT_EQ(contract.observation(1).end(), 4);
  EXPECT_EQ(Coordinates(contract.observation(0)), "slide m;hinge rad;");
  EXPECT_EQ(Coordinates(contract.observation(1)), "slide m/s;hinge rad/s;");
  ASSERT_EQ(contract.action_size(), 1);
  EXPECT_EQ(contract.action(0).name(), "push");
  EXPECT_EQ(contract.action(0).target(), "slide");
  EXPECT_EQ(contract.action(0).low(), -3);
  EXPECT_EQ(contract.action(0).high(), 3);
  EXPECT_EQ(contract.action(0).unit(), "100 N");
  EXPECT_EQ(contract.policy(), "gaussian");
  EXPECT_TRUE(contract.normalized());
}

TEST(ContractTest, DescribesTheCheetahWhosePositionIsLeftOut) {
  const exported::Contract contract = RandomExport(kExportCases[6]).contract();
  EXPECT_DOUBLE_EQ(contract.control_rate_hz(), 20);
  ASSERT_EQ(contract.observation_size(), 2);
  EXPECT_EQ(contract.observation(0).coordinate_size(), 8);
  EXPECT_EQ(contract.observation(0).coordinate(0).unit(), "m");    // height
  EXPECT_EQ(contract.observation(0).coordinate(1).unit(), "rad");  // pitch
  EXPECT_EQ(contract.observation(1).begin(), 8);
  EXPECT_EQ(contract.observation(1).end(), 17);
  ASSERT_EQ(contract.action_size(), 6);
  EXPECT_EQ(contract.action(0).unit(), "120 N m");
  EXPECT_EQ(contract.policy(), "deterministic");
  EXPECT_FALSE(contract.normalized());
}

TEST(ContractTest, NamesThePolicyThatIsInside) {
  const v1::TrainedMember member = RandomMember(kExportCases[0]);
  const exported::Contract contract = RandomExport(kExportCases[0]).contract();
  EXPECT_EQ(contract.parameters_sha256(), Sha256Hex(member.policy().parameters()));
  EXPECT_EQ(contract.policy_version(), 500U);
  EXPECT_EQ(contract.seed(), 3U);
  EXPECT_EQ(contract.trained_with(), member.version());
}

TEST(ContractTest, JsonHasTheNamesOfTheMessageAndReadsBack) {
  exported::Contract contract = RandomExport(kExportCases[0]).contract();
  contract.set_format("onnx");
  const std::string json = FormatContract(contract);
  EXPECT_THAT(json, AllOf(HasSubstr("\"control_rate_hz\": 25"), HasSubstr("\"low\": -3"),
                          HasSubstr("\"name\": \"hinge\"")));
  const auto read = ParseContract(json);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->SerializeAsString(), contract.SerializeAsString());
  EXPECT_FALSE(ParseContract("{}").ok());
  EXPECT_FALSE(ParseContract("nonsense").ok());
}

// Every builtin task, and every quantity that they see.
TEST(ContractTest, EveryBuiltInTaskHasANameAndAUnitForEachCoordinate) {
  for (const char* task :
       {"ant", "half_cheetah", "hopper", "inverted_pendulum", "swimmer", "walker2d"}) {
    const exported::Contract contract =
        RandomExport({.name = task, .task = task, .is_gaussian = true, .is_normalized = false})
            .contract();
    int next = 0;
    for (const exported::Observation& term : contract.observation()) {
      EXPECT_EQ(term.begin(), next) << task;
      next = term.end();
      EXPECT_EQ(term.coordinate_size(), term.end() - term.begin()) << task;
      for (const exported::Coordinate& coordinate : term.coordinate()) {
        EXPECT_FALSE(coordinate.name().empty()) << task;
        EXPECT_FALSE(coordinate.unit().empty()) << task;
      }
    }
    EXPECT_EQ(next, contract.observation_dim()) << task;
    EXPECT_EQ(contract.action_size(), contract.action_dim()) << task;
  }
}

}  // namespace
}  // namespace sr2l
