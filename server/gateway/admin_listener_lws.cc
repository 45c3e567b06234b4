// The listener for those who run the server.
#include "server/gateway/admin_listener_lws.h"

#include <libwebsockets.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <utility>

#include "server/gateway/listening_socket.h"
#include "src/loop/context_lws.h"
#include "src/loop/loop_uv.h"

namespace kith::server {
namespace {

constexpr std::size_t kWriteBytes = 16 * 1024;
constexpr int kAcceptsPerWake = 8;

const char* reason_of(std::uint16_t status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

std::string response(const AdminAnswer& answer) {
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " + reason_of(answer.status);
  text.append("\r\nContent-Type: ").append(answer.type);
  text.append("\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: ");
  text.append(std::to_string(answer.body.size())).append("\r\n\r\n").append(answer.body);
  return text;
}

// What a connection still has to send. Lives in memory that lws gives out zeroed.
struct Outgoing {
  std::string* text = nullptr;
  std::size_t at = 0;
};

// What the callbacks reach; kept by libwebsockets until its context is gone.
struct Shared {
  AdminListenerLws::Handler handler;
  lws_protocols protocols[2]{};
  std::uint32_t connections = 0;
  bool closed = false;
};

void let_go(Outgoing* out) {
  if (out == nullptr) return;
  delete std::exchange(out->text, nullptr);
  out->at = 0;
}

int begin(Shared& shared, lws* wsi, Outgoing* out, std::string_view path) {
  let_go(out);
  AdminAnswer answer{405, "text/plain; charset=utf-8", "GET only\n"};
  if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0) answer = shared.handler(path);
  out->text = new std::string(LWS_PRE, '\0');
  out->text->append(response(answer));
  out->at = LWS_PRE;
  lws_callback_on_writable(wsi);
  return 0;
}

int go_on(lws* wsi, Outgoing* out) {
  if (out == nullptr || out->text == nullptr) return -1;
  if (lws_partial_buffered(wsi) == 0) {
    if (out->at >= out->text->size()) return -1;  // all is out: hang up
    const std::size_t size = std::min(kWriteBytes, out->text->size() - out->at);
    const bool last = out->at + size == out->text->size();
    auto* data = reinterpret_cast<unsigned char*>(out->text->data()) + out->at;
    if (lws_write(wsi, data, size, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0) return -1;
    out->at += size;
  }
  lws_callback_on_writable(wsi);
  return 0;
}

int on_lws(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t size) {
  lws_vhost* vhost = lws_get_vhost(wsi);
  auto* shared = vhost == nullptr ? nullptr : static_cast<Shared*>(lws_get_vhost_user(vhost));
  auto* out = static_cast<Outgoing*>(user);
  if (shared == nullptr) return 0;
  switch (reason) {
    case LWS_CALLBACK_WSI_DESTROY:
      if (lws_get_opaque_user_data(wsi) == shared && shared->connections > 0) --shared->connections;
      return 0;
    case LWS_CALLBACK_HTTP:
      if (shared->closed || out == nullptr) return -1;
      return begin(*shared, wsi, out, {static_cast<const char*>(in), in == nullptr ? 0 : size});
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return shared->closed ? -1 : go_on(wsi, out);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
      return -1;
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
      let_go(out);
      return 0;
    default:
      return 0;
  }
}

class Listener : public AdminListenerLws {
 public:
  explicit Listener(Handler handler) {
    shared_->handler = std::move(handler);
    shared_->protocols[0].name = "http";
    shared_->protocols[0].callback = on_lws;
    shared_->protocols[0].per_session_data_size = sizeof(Outgoing);
  }
  ~Listener() override {
    loop_.run_sync([this] { close(); });
    loop_.stop();
    if (listening_ >= 0) ::close(listening_);
  }

  Status listen(const std::string& address, std::uint16_t port) {
    auto socket = open_listening_socket(address, port, false);
    if (!socket) return socket.error();
    listening_ = *socket;
    port_ = port_of(listening_);
    auto context = create_context_lws(loop_, shared_);
    if (!context) return context.error();
    context_ = *context;
    auto info = vhost_info(shared_->protocols, shared_.get());
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.timeout_secs = 5;
    vhost_ = create_vhost_lws(context_, info);
    if (vhost_ == nullptr) {
      return make_error(ErrorCode::kIo, "the admin listener could not be set up");
    }
    poll_ = new uv_poll_t{};
    poll_->data = this;
    uv_poll_init(loop_.uv(), poll_, listening_);
    uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
      static_cast<Listener*>(poll->data)->accept_some();
    });
    loop_.start();
    return {};
  }
  std::uint16_t port() const override { return port_; }

 private:
  void accept_some() {
    for (int i = 0; i < kAcceptsPerWake; ++i) {
      const int fd = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      if (shared_->connections >= kConnectionsMax) {
        ::close(fd);
        continue;
      }
      lws_adopt_desc_t adopt{};
      adopt.vh = vhost_;
      adopt.type = static_cast<lws_adoption_type>(LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP);
      adopt.fd.sockfd = fd;
      adopt.opaque = shared_.get();  // marks the sockets counted here
      ++shared_->connections;
      lws_adopt_descriptor_vhost_via_info(&adopt);
    }
  }

  // Loop thread, or before the loop runs.
  void close() {
    shared_->closed = true;
    if (poll_ != nullptr) {
      uv_poll_stop(poll_);
      uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(poll_, nullptr)),
               [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
    }
    if (context_ != nullptr) destroy_context_lws(loop_, std::exchange(context_, nullptr));
  }

  LoopUv loop_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  lws_context* context_ = nullptr;
  lws_vhost* vhost_ = nullptr;
  uv_poll_t* poll_ = nullptr;  // owns itself from uv_close() on
  int listening_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<AdminListenerLws>> AdminListenerLws::open(const std::string& address,
                                                                 std::uint16_t port,
                                                                 Handler handler) {
  auto listener = std::make_unique<Listener>(std::move(handler));
  if (Status opened = listener->listen(address, port); !opened) return opened.error();
  return std::unique_ptr<AdminListenerLws>(std::move(listener));
}

}  // namespace kith::server
