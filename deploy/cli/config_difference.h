#ifndef SR2L_DEPLOY_CLI_CONFIG_DIFFERENCE_H_
#define SR2L_DEPLOY_CLI_CONFIG_DIFFERENCE_H_

#include <optional>
#include <string>

#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// A field in which two configurations differ.
struct ConfigDifference {
  std::string field;   // "trpo.max_kl", "members.member[1].seed"
  std::string first;   // its values as text, cut when long; "not set"
  std::string second;
};

// The first field, in the order of the messages, in which resolved configurations differ;
// nullopt when they are equal. A model file's content counts as its SHA-256.
std::optional<ConfigDifference> FirstDifference(const v1::ExperimentConfig& first,
                                                const v1::ExperimentConfig& second);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_CONFIG_DIFFERENCE_H_
