// A request as a frame of its own, which does not go with the bytes that its view was read from.
#pragma once

namespace kith {
struct RequestView;
}
namespace kith::v1 {
class ClientFrame;
}

namespace kith::server {

v1::ClientFrame frame_of(const RequestView& request);

}  // namespace kith::server
