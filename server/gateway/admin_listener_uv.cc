// AdminListenerUv: one request and one answer for each connection.
#include "server/gateway/admin_listener_uv.h"

#include <unistd.h>
#include <uv.h>

#include <array>
#include <list>
#include <utility>

#include "server/gateway/listening_socket.h"
#include "server/gateway/upgrade_request.h"
#include "src/loop/loop_uv.h"

namespace kith::server {
namespace {

constexpr int kBacklog = 128;

std::string_view status_of(std::uint16_t status) {
  switch (status) {
    case 200:
      return "200 OK";
    case 404:
      return "404 Not Found";
    default:
      return "503 Service Unavailable";
  }
}

std::string response(std::string_view status, std::string_view type, std::string_view header,
                     std::string_view body, bool with_body) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\nContent-Type: ").append(type);
  text.append("\r\nCache-Control: no-store\r\nConnection: close\r\n").append(header);
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  return with_body ? text.append(body) : text;
}

std::string refusal(std::string_view status, std::string_view header, std::string_view why) {
  return response(status, "text/plain; charset=utf-8", header, std::string(why) + "\n", true);
}

class Listener : public AdminListenerUv {
 public:
  explicit Listener(Handler handler) : handler_(std::move(handler)) {}
  ~Listener() override {
    loop_.run_sync([this] { close(); });
    loop_.stop();
  }

  Status listen(const std::string& address, std::uint16_t port) {
    auto socket = open_listening_socket(address, port, false);
    if (!socket) return socket.error();
    port_ = port_of(*socket);
    listening_ = new uv_tcp_t{};
    listening_->data = this;
    uv_tcp_init(loop_.uv(), listening_);
    const auto arrived = [](uv_stream_t* stream, int status) {
      if (status == 0) static_cast<Listener*>(stream->data)->accept();
    };
    if (uv_tcp_open(listening_, *socket) != 0) {
      ::close(*socket);
      return make_error(ErrorCode::kIo, "the admin listener could not be set up");
    }
    if (uv_listen(reinterpret_cast<uv_stream_t*>(listening_), kBacklog, arrived) != 0) {
      return make_error(ErrorCode::kIo, "the admin listener could not be set up");
    }
    loop_.start();
    return {};
  }
  std::uint16_t port() const override { return port_; }

 private:
  struct Guest {
    Listener* listener = nullptr;  // null: it is being closed
    uv_tcp_t socket{};
    uv_write_t writing{};
    uv_shutdown_t ending{};
    std::string request, answer;
    std::array<char, 4096> piece{};
    Scheduler::TimerId end_timer = 0;
    std::list<Guest*>::iterator place;
  };

  static Guest& guest_of(void* data) { return *static_cast<Guest*>(data); }
  static uv_stream_t* stream(uv_tcp_t* socket) { return reinterpret_cast<uv_stream_t*>(socket); }

  void accept() {
    if (guests_.size() >= kConnectionsMax) hang_up(*guests_.front());
    auto* guest = new Guest;
    guest->listener = this;
    guest->socket.data = guest->writing.data = guest->ending.data = guest;
    uv_tcp_init(loop_.uv(), &guest->socket);
    guest->place = guests_.insert(guests_.end(), guest);
    if (uv_accept(stream(listening_), stream(&guest->socket)) != 0) return hang_up(*guest);
    guest->end_timer = loop_.after(kLife, [this, guest] {
      guest->end_timer = 0;
      hang_up(*guest);
    });
    uv_read_start(
        stream(&guest->socket),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
          Guest& reading = guest_of(handle->data);
          *buffer = uv_buf_init(reading.piece.data(), reading.piece.size());
        },
        [](uv_stream_t* socket, ssize_t size, const uv_buf_t*) {
          Guest& reading = guest_of(socket->data);
          if (reading.listener == nullptr) return;
          if (size < 0) return reading.listener->hang_up(reading);
          reading.listener->received(reading, static_cast<std::size_t>(size));
        });
  }

  void received(Guest& guest, std::size_t size) {
    // Discards bytes behind a request: closing at once would lose the answer.
    if (!guest.answer.empty()) return;
    guest.request.append(guest.piece.data(), size);
    const PlainRequest request = read_plain_request(guest.request);
    if (request.kind == PlainRequest::Kind::kIncomplete) return;
    guest.answer = answer_to(request);
    std::string().swap(guest.request);
    const uv_buf_t bytes =
        uv_buf_init(guest.answer.data(), static_cast<unsigned>(guest.answer.size()));
    const auto written = [](uv_write_t* write, int status) {
      Guest& answered = guest_of(write->data);
      if (answered.listener == nullptr) return;
      if (status != 0) return answered.listener->hang_up(answered);
      uv_shutdown(&answered.ending, stream(&answered.socket), [](uv_shutdown_t*, int) {});
    };
    if (uv_write(&guest.writing, stream(&guest.socket), &bytes, 1, written) != 0) hang_up(guest);
  }

  std::string answer_to(const PlainRequest& request) {
    if (request.kind == PlainRequest::Kind::kRefused)
      return refusal(request.status, {}, request.why);
    const bool head = request.method == "HEAD";
    if (!head && request.method != "GET") {
      return refusal("405 Method Not Allowed", "Allow: GET, HEAD\r\n", "GET only");
    }
    const AdminAnswer answer = handler_(request.path);
    return response(status_of(answer.status), answer.type, {}, answer.body, !head);
  }

  void hang_up(Guest& guest) {
    if (std::exchange(guest.listener, nullptr) == nullptr) return;
    loop_.cancel(guest.end_timer);
    guests_.erase(guest.place);
    uv_close(reinterpret_cast<uv_handle_t*>(&guest.socket),
             [](uv_handle_t* handle) { delete &guest_of(handle->data); });
  }

  // Loop thread, or before the loop runs.
  void close() {
    while (!guests_.empty()) hang_up(*guests_.front());
    if (listening_ == nullptr) return;
    uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(listening_, nullptr)),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); });
  }

  LoopUv loop_;
  Handler handler_;
  uv_tcp_t* listening_ = nullptr;  // owns itself from uv_close() on
  std::list<Guest*> guests_;       // as they came; each owns itself from uv_close() on
  std::uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<AdminListenerUv>> AdminListenerUv::open(const std::string& address,
                                                               std::uint16_t port,
                                                               Handler handler) {
  auto listener = std::make_unique<Listener>(std::move(handler));
  if (Status opened = listener->listen(address, port); !opened) return opened.error();
  return std::unique_ptr<AdminListenerUv>(std::move(listener));
}

}  // namespace kith::server
