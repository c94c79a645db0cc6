#include "deploy/cli/config_difference.h"

#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "common/digest/sha256.h"

namespace sr2l {
namespace {

using google::protobuf::Message;
using google::protobuf::TextFormat;
using google::protobuf::util::MessageDifferencer;

constexpr size_t kLongestValue = 80;
constexpr char kNotSet[] = "not set";

// Keeps the first difference that it is told of.
class FirstReport : public MessageDifferencer::Reporter {
 public:
  void ReportAdded(const Message&, const Message& second,
                   const std::vector<MessageDifferencer::SpecificField>& path) override {
    Keep(path, kNotSet, Value(second, path.back(), path.back().new_index));
  }
  void ReportDeleted(const Message& first, const Message&,
                     const std::vector<MessageDifferencer::SpecificField>& path) override {
    Keep(path, Value(first, path.back(), path.back().index), kNotSet);
  }
  void ReportModified(const Message& first, const Message& second,
                      const std::vector<MessageDifferencer::SpecificField>& path) override {
    Keep(path, Value(first, path.back(), path.back().index),
         Value(second, path.back(), path.back().new_index));
  }

  const std::optional<ConfigDifference>& difference() const { return difference_; }

 private:
  void Keep(const std::vector<MessageDifferencer::SpecificField>& path, std::string first,
            std::string second) {
    if (difference_.has_value()) return;
    difference_ = {.field = "", .first = std::move(first), .second = std::move(second)};
    for (const MessageDifferencer::SpecificField& part : path) {
      if (part.field == nullptr) continue;  // one that this program does not know
      absl::StrAppend(&difference_->field, difference_->field.empty() ? "" : ".",
                      std::string(part.field->name()));
      if (!part.field->is_repeated()) continue;
      absl::StrAppend(&difference_->field, "[", part.index >= 0 ? part.index : part.new_index,
                      "]");
    }
  }

  static std::string Value(const Message& parent, const MessageDifferencer::SpecificField& part,
                           int index) {
    if (part.field == nullptr) return "an unknown field";
    TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    std::string text;
    printer.PrintFieldValueToString(parent, part.field, part.field->is_repeated() ? index : -1,
                                    &text);
    if (text.size() > kLongestValue) text = absl::StrCat(text.substr(0, kLongestValue), "...");
    return text;
  }

  std::optional<ConfigDifference> difference_;
};

v1::ExperimentConfig WithDigests(v1::ExperimentConfig config) {
  for (v1::ModelFile& file : *config.mutable_task()->mutable_files()) {
    file.set_content(absl::StrCat("SHA-256 ", Sha256Hex(file.content())));
  }
  return config;
}

}  // namespace

std::optional<ConfigDifference> FirstDifference(const v1::ExperimentConfig& first,
                                                const v1::ExperimentConfig& second) {
  FirstReport report;
  MessageDifferencer differencer;
  differencer.ReportDifferencesTo(&report);
  differencer.Compare(WithDigests(first), WithDigests(second));
  return report.difference();
}

}  // namespace sr2l
