// The text by which a message is found.
#pragma once

#include <string>

#include "kith/server/ports/records.h"

namespace kith::server {

// Empty if the event is no message, or one whose content this release cannot read.
std::string message_text(const Event& event);

}  // namespace kith::server
