// ask(): waits for the answer to a call of Client that answers later.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "kith/core/result.h"

namespace kith::cli {

// A page from the server may take request_limit (15 s).
constexpr auto kAnswerLimit = std::chrono::seconds(20);

// `start` is given the callback that the call takes. Fails with kTimeout, or as the call does.
template <class T, class Start>
Result<T> ask(Start start) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  start([promise](Result<T> answer) { promise->set_value(std::move(answer)); });
  if (future.wait_for(kAnswerLimit) != std::future_status::ready) {
    return make_error(ErrorCode::kTimeout, "The server did not answer in time.");
  }
  return future.get();
}

}  // namespace kith::cli
