#ifndef SR2L_REPLAY_CORE_SAMPLE_DRAW_H_
#define SR2L_REPLAY_CORE_SAMPLE_DRAW_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "replay/core/limiter.h"
#include "replay/core/table.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// Checks what can be checked of a request without its tables. InvalidArgument names the
// field, its value and what is allowed.
absl::Status ValidateSample(const v1::SampleRequest& request);

// One Sample request and its tables: whether they may be drawn from. Not thread-safe, and
// at most one Grant of all draws of a table runs at a time.
class SampleDraw {
 public:
  using Tables = std::vector<std::shared_ptr<Table>>;

  // `request` is valid; `tables` are its members', in the request's order. Tells the limiters
  // the learner's policy version. FailedPrecondition: a table without a capacity.
  // InvalidArgument: fields that do not fit a table. DataLoss: the log has lost steps of it.
  static absl::StatusOr<SampleDraw> Create(const v1::SampleRequest& request, Tables tables);

  // True when every table may be drawn from; then the rows count as drawn. An error: never.
  absl::StatusOr<bool> Grant(absl::Time now);

  // Who is waited for, by table: "member 0 stream 1 has 3 of 8 steps".
  std::vector<std::string> DescribeMissing(absl::Time now) const;

  const v1::SampleRequest& request() const { return *request_; }
  const Tables& tables() const { return tables_; }
  std::vector<uint32_t> members() const;

  // What the limiters are asked for: absent without limits or without rows.
  std::optional<DrawRange> limited_draw() const;

  // Rows that Grant counted; all of them without limits.
  uint64_t counted_rows() const { return counted_rows_; }

 private:
  SampleDraw(const v1::SampleRequest& request, Tables tables)
      : request_(std::make_shared<const v1::SampleRequest>(request)), tables_(std::move(tables)) {}

  absl::Status CheckTable(size_t index) const;

  std::shared_ptr<const v1::SampleRequest> request_;
  Tables tables_;
  uint64_t counted_rows_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_SAMPLE_DRAW_H_
