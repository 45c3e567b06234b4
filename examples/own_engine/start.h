// A messenger on engines of your own.
#pragma once

#include <memory>

#include "broker.h"
#include "kith/core/result.h"
#include "kith/server/server.h"

namespace own_engine {

kith::Result<std::unique_ptr<kith::server::Server>> start_on(std::shared_ptr<Broker> broker,
                                                             kith::server::ServerOptions options);

}  // namespace own_engine
