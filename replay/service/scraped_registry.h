#ifndef SR2L_REPLAY_SERVICE_SCRAPED_REGISTRY_H_
#define SR2L_REPLAY_SERVICE_SCRAPED_REGISTRY_H_

#include <prometheus/registry.h>

#include <functional>
#include <utility>
#include <vector>

namespace sr2l {

// A registry that has its gauges brought up to date before each scrape: those that describe
// tables change with every chunk, and are dear to sum up. Thread-safe.
class ScrapedRegistry final : public prometheus::Registry {
 public:
  // Before the first scrape; what `refresh` uses must outlive the last one.
  void OnScrape(std::function<void()> refresh) { refresh_ = std::move(refresh); }

  std::vector<prometheus::MetricFamily> Collect() const override {
    if (refresh_) refresh_();
    return prometheus::Registry::Collect();
  }

 private:
  std::function<void()> refresh_;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_SERVICE_SCRAPED_REGISTRY_H_
