// Handles errors in an application.
#include "guide.h"

namespace guide {

// [guide_errors]
std::string advice(const kith::Error& error) {
  switch (error.retry()) {
    case kith::Retry::kWhenNetworkChanges:
      return "You are offline. This is tried again when there is a connection.";
    case kith::Retry::kAfterBackoff:
      return "The server is busy. Please try again in a moment.";  // see error.retry_after_ms
    case kith::Retry::kAfterReauth:
      return "Please sign in again.";
    case kith::Retry::kNever:
      break;
  }
  return error.to_string();  // "TOO_LARGE: Message: the content has 9,012 bytes, …"
}
// [/guide_errors]

}  // namespace guide
