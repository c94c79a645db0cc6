#ifndef SR2L_REPLAY_SERVICE_READ_ROUND_REACTOR_H_
#define SR2L_REPLAY_SERVICE_READ_ROUND_REACTOR_H_

#include <memory>
#include <optional>
#include <string>

#include "replay/core/round_reader.h"
#include "replay/service/replay_metrics.h"
#include "replay/service/waiting_reactor.h"
#include "replay/wire/chunk_loan.h"

namespace sr2l {

// One ReadRound call: waits for the round, then writes its chunks one by one.
class ReadRoundReactor final : public WaitingReactor<v1::ReadRoundResponse, RoundReader> {
 public:
  // Store and metrics are borrowed and outlive the server.
  ReadRoundReactor(ReplayStore& store, ReplayMetrics& metrics,
                   std::shared_ptr<WriteGuard> guard, RoundRequest request,
                   absl::Duration max_wait);

 private:
  ReplayStore::WaitId StartWait(Ready ready) override;
  std::string Missing(absl::Time now) const override;
  void OnSource(RoundReader reader, absl::Duration waited) override;
  void OnWritten() override;

  // Writes the next chunk, or ends the call after the last.
  void WriteNext();

  ReplayMetrics& metrics_;
  const RoundRequest request_;
  std::optional<RoundReader> reader_;          // used by one thread at a time
  ChunkLoan<v1::ReadRoundResponse> response_;  // likewise
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_SERVICE_READ_ROUND_REACTOR_H_
