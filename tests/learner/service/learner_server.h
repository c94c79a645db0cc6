#ifndef SR2L_TESTS_LEARNER_SERVICE_LEARNER_SERVER_H_
#define SR2L_TESTS_LEARNER_SERVICE_LEARNER_SERVER_H_

#include <memory>
#include <string>

#include "common/rpc/server.h"
#include "learner/fleet/fleet.h"
#include "learner/service/experiment_queue.h"
#include "learner/service/experiment_service.h"
#include "learner/service/experiment_store.h"
#include "learner/service/fleet_service.h"
#include "learner/training/trainer.h"
#include "replay/client/replay_client.h"

namespace sr2l {

// All of sr2l-learner's parts, in this process. Members stop in the reverse order.
struct LearnerServer {
  LearnerServer(const std::string& folder, const std::string& replay_address)
      : address("unix:" + folder + "/learner.sock"),
        store(*ExperimentStore::Open(folder + "/experiments.db")),
        replay(*ReplayClient::Create(replay_address, {})),
        metrics(registry),
        fleet(*store->NextGeneration()),
        trainer({.device = "cpu", .threads = 2}, *replay, fleet, metrics,
                [this](const std::string& id) { return store->IsOver(id); }),
        queue(*ExperimentQueue::Start({.state_path = folder}, *store, trainer)),
        fleet_service(fleet),
        experiment_service(*queue, fleet),
        server(*RpcServer::Start(address, {}, {&fleet_service, &experiment_service})) {}

  const std::string address;
  std::unique_ptr<ExperimentStore> store;
  std::unique_ptr<ReplayClient> replay;
  prometheus::Registry registry;
  LearnerMetrics metrics;
  Fleet fleet;
  Trainer trainer;
  std::unique_ptr<ExperimentQueue> queue;
  FleetService fleet_service;
  ExperimentService experiment_service;
  std::unique_ptr<RpcServer> server;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_LEARNER_SERVICE_LEARNER_SERVER_H_
