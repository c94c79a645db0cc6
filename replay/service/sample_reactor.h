#ifndef SR2L_REPLAY_SERVICE_SAMPLE_REACTOR_H_
#define SR2L_REPLAY_SERVICE_SAMPLE_REACTOR_H_

#include <memory>
#include <optional>
#include <string>

#include "replay/core/sample_reader.h"
#include "replay/service/replay_metrics.h"
#include "replay/service/waiting_reactor.h"

namespace sr2l {

// One Sample call: waits until the rows may be drawn, then writes the answer's parts.
class SampleReactor final : public WaitingReactor<v1::SampleResponse, SampleReader> {
 public:
  // Store and metrics are borrowed and outlive the server.
  SampleReactor(ReplayStore& store, ReplayMetrics& metrics,
                std::shared_ptr<WriteGuard> guard, v1::SampleRequest request);

 private:
  ReplayStore::WaitId StartWait(Ready ready) override;
  std::string Missing(absl::Time now) const override;
  void OnSource(SampleReader reader, absl::Duration waited) override;
  void OnWritten() override;

  ReplayMetrics& metrics_;
  const v1::SampleRequest request_;
  std::optional<SampleReader> reader_;  // used by one thread at a time
  v1::SampleResponse part_;             // likewise
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_SERVICE_SAMPLE_REACTOR_H_
