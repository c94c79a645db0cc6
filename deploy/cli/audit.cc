// sr2l audit: whether a replay's log holds every step once.

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/text_table.h"
#include "replay/core/audit_log.h"
#include "replay/core/log_database.h"

namespace sr2l {
namespace {

// A run's folder keeps the log of its replay in a folder of its own.
absl::StatusOr<std::string> LogFolderIn(const std::string& folder) {
  const std::string inner = folder + "/replay";
  SR2L_ASSIGN_OR_RETURN(const bool has_current, HasCurrent(inner));
  return has_current ? inner : folder;
}

std::string FormatAudit(const std::vector<AuditedStream>& streams) {
  TextTable table({"experiment", "member", "stream", "epoch", "next_step", "steps", "first",
                   "last", "gaps", "duplicates", "corrupt"});
  for (const AuditedStream& stream : streams) {
    const StreamScan& scan = stream.scan;
    const bool empty = scan.steps == 0;
    table.Add({stream.spec.experiment_id(), absl::StrCat(stream.spec.member()),
               absl::StrCat(stream.stream), absl::StrCat(scan.record.state.epoch),
               absl::StrCat(scan.record.state.next_step), absl::StrCat(scan.steps),
               empty ? "-" : absl::StrCat(scan.begin), empty ? "-" : absl::StrCat(scan.end - 1),
               absl::StrCat(scan.gaps), absl::StrCat(scan.duplicates),
               absl::StrCat(scan.corrupt)});
  }
  return table.Format();
}

// Of table files that are damaged, whoever needs what they hold.
void WarnOf(const std::vector<std::string>& damaged_files, bool all_whole) {
  for (const std::string& file : damaged_files) {
    std::cerr << "sr2l: warning: " << file << std::endl;
  }
  if (damaged_files.empty()) return;
  std::cerr << "sr2l: warning: a replay goes on with such a log, but never frees its room"
            << (all_whole ? "; every stream is whole" : "") << std::endl;
}

absl::Status Audit(const std::string& path) {
  SR2L_ASSIGN_OR_RETURN(const std::string folder, LogFolderIn(path));
  SR2L_ASSIGN_OR_RETURN(const std::vector<AuditedStream> streams, AuditLog(folder));
  std::cout << FormatAudit(streams) << std::flush;
  size_t damaged = 0;
  std::string first;
  for (const AuditedStream& stream : streams) {
    if (stream.whole()) continue;
    if (damaged++ > 0) continue;
    first = absl::StrCat("experiment ", stream.spec.experiment_id(), " member ",
                         stream.spec.member(), " ", ToText(stream.scan.damage.front()));
  }
  const absl::StatusOr<std::vector<std::string>> files = FindDamagedFiles(folder);
  if (files.ok()) WarnOf(*files, damaged == 0);
  if (damaged == 0) return files.status();
  return absl::DataLossError(
      absl::StrCat(damaged, " of ", streams.size(), " streams are damaged; the first: ", first));
}

}  // namespace

void AddAudit(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "audit", "A line per stream of a replay's log: steps stored, gaps, duplicates, corrupt");
  const auto folder = std::make_shared<std::string>();
  verb->add_option("DIR", *folder, "A run's folder, or the folder of the log")->required();
  verb->callback([folder, &action] { action = [folder] { return Audit(*folder); }; });
}

}  // namespace sr2l
