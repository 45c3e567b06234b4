// Runs the suites of the ports on engines of your own.
#include "kith/conformance/bus_suite.h"
#include "kith/conformance/command_log_suite.h"

#include "broker_log.h"
#include "posting_bus.h"

// [own_engine_suite]
namespace kith::server::conformance {

struct BrokerLogs {
  DrainedScheduler loop;
  std::shared_ptr<own_engine::Topic> topic = std::make_shared<own_engine::Topic>();

  DrainedScheduler& scheduler() { return loop; }
  std::unique_ptr<CommandLog> open() {
    topic->set_room(SIZE_MAX);
    return std::make_unique<own_engine::BrokerLog>(topic, loop);
  }
  std::unique_ptr<CommandLog> open_nearly_full() {  // null, where a test cannot fill the engine
    topic->set_room(100'000);
    return std::make_unique<own_engine::BrokerLog>(topic, loop);
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Broker, CommandLogSuite, BrokerLogs);

}  // namespace kith::server::conformance
// [/own_engine_suite]

namespace kith::server::conformance {

struct PostingBuses {
  DrainedScheduler loop;
  DrainedScheduler& scheduler() { return loop; }
  std::unique_ptr<Bus> open() { return std::make_unique<own_engine::PostingBus>(loop); }
  static void lose(Bus& bus, const std::string& gateway) {
    dynamic_cast<own_engine::PostingBus&>(bus).lose(gateway);
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Posting, BusSuite, PostingBuses);

}  // namespace kith::server::conformance
