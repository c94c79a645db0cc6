#include "common/config/parse_text.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/config/expanded_text.h"
#include "common/config/nearest_field.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr int kMaxDepth = 32;  // of nested messages; ours need 5

// Keeps the first error.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
#if GOOGLE_PROTOBUF_VERSION >= 5026000
  void RecordError(int line, int column, absl::string_view message) override {
    Keep(line, column, std::string(message));
  }
#else
  void AddError(int line, int column, const std::string& message) override {
    Keep(line, column, message);
  }
#endif

  int line() const { return line_; }  // from 0; -1: of the text as a whole
  int column() const { return column_; }
  const std::string& message() const { return message_; }

 private:
  void Keep(int line, int column, const std::string& message) {
    if (!message_.empty()) return;
    line_ = line;
    column_ = column;
    message_ = message;
  }

  int line_ = -1;
  int column_ = -1;
  std::string message_;
};

// " Did you mean max_kl?" where protobuf's message is of an unknown field and says of
// which message type; else nothing.
std::string Hint(const std::string& message, const google::protobuf::DescriptorPool& pool) {
  const std::vector<std::string> parts = absl::StrSplit(message, '"');
  if (parts.size() != 5 || !absl::StrContains(parts[2], "has no field named")) return "";
  const google::protobuf::Descriptor* type = pool.FindMessageTypeByName(parts[1]);
  if (type == nullptr || type->field_count() == 0) return "";
  return absl::StrCat(" Did you mean ", NearestField(*type, parts[3]), "?");
}

}  // namespace

absl::Status ParseText(absl::string_view text, const std::string& name,
                       google::protobuf::Message& message) {
  SR2L_ASSIGN_OR_RETURN(const ExpandedText expanded, ExpandedText::Create(text, name));
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(kMaxDepth);
  if (parser.ParseFromString(expanded.text(), &message)) return absl::OkStatus();
  const google::protobuf::DescriptorPool& pool = *message.GetDescriptor()->file()->pool();
  const std::string what = absl::StrCat(error.message(), Hint(error.message(), pool));
  if (name.empty()) return absl::InvalidArgumentError(what);
  const std::string position =
      error.line() < 0 ? "1:1" : expanded.OriginalPosition(error.line(), error.column());
  return absl::InvalidArgumentError(absl::StrCat(name, ":", position, ": ", what));
}

}  // namespace sr2l
