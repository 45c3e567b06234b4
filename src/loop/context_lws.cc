// Context_lws: life and death of a libwebsockets context on a foreign libuv loop.
#include "src/loop/context_lws.h"

#include <signal.h>

#include <cstring>
#include <mutex>
#include <string>
#include <utility>

namespace kith {
namespace {

// 4.1 closes the handles of a context in stages over about four turns and does not report the end;
// freeing the memory earlier would take it from libuv.
constexpr int kTurnsBeforeFinish = 8;
constexpr int kTurnsAtMost = 200;

// Bytes read from a socket in one call, shared by all connections of a context. At least one TLS
// record (16 KiB), else lws scans all descriptors for leftovers.
constexpr unsigned kServiceBuffer = 32 * 1024;

// lws counts its users of OpenSSL and its plug-ins in plain globals.
std::mutex& global_mutex() {
  static std::mutex mutex;
  return mutex;
}

// The companion of a context, from its creation until lws has finished with it.
struct Companion {
  lws_context* context = nullptr;  // lws sets it to nullptr at the very end
  std::shared_ptr<void> keep;
};

// lws ignores SIGPIPE for the whole process when it makes a context. Signals belong to the host.
class SigpipeKept {
 public:
  SigpipeKept() { sigaction(SIGPIPE, nullptr, &before_); }
  ~SigpipeKept() { sigaction(SIGPIPE, &before_, nullptr); }
  SigpipeKept(const SigpipeKept&) = delete;
  SigpipeKept& operator=(const SigpipeKept&) = delete;

 private:
  struct sigaction before_ {};
};

void finish(LoopUv& loop, std::shared_ptr<Companion> companion, int turn) {
  if (turn >= kTurnsBeforeFinish && companion->context != nullptr) {
    const std::lock_guard lock(global_mutex());
    lws_context_destroy(companion->context);
  }
  if (companion->context == nullptr || turn > kTurnsAtMost) return;
  loop.post([&loop, companion = std::move(companion), turn] { finish(loop, companion, turn + 1); });
}

}  // namespace

Status check_lws_library() {
  // "4.1.6-4.1.6-3" or "4.3.5-unknown": the release comes first.
  const std::string compiled = std::to_string(LWS_LIBRARY_VERSION_MAJOR) + "." +
                               std::to_string(LWS_LIBRARY_VERSION_MINOR) + "." +
                               std::to_string(LWS_LIBRARY_VERSION_PATCH);
  const std::string loaded = lws_get_library_version();
  if (loaded.compare(0, compiled.size(), compiled) == 0 &&
      (loaded.size() == compiled.size() || loaded[compiled.size()] < '0' ||
       loaded[compiled.size()] > '9')) {
    return {};
  }
  return make_error(ErrorCode::kInternal, "built for libwebsockets " + compiled + " but version " +
                                              loaded + " is loaded");
}

Result<lws_context*> create_context_lws(LoopUv& loop, std::shared_ptr<void> keep) {
  if (auto status = check_lws_library(); !status) return status.error();
  auto companion = std::make_shared<Companion>();
  companion->keep = std::move(keep);

  void* loops[1] = {loop.uv()};
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                 LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info.foreign_loops = loops;
  info.gid = static_cast<decltype(info.gid)>(-1);
  info.uid = static_cast<decltype(info.uid)>(-1);
  info.fd_limit_per_thread = 0;
  info.pt_serv_buf_size = kServiceBuffer;
  info.pcontext = &companion->context;
  // The one pointer that lws gives back for a context: the companion, owned by the context until
  // destroy_context_lws().
  auto* owned = new std::shared_ptr<Companion>(companion);
  info.user = owned;

  const std::lock_guard lock(global_mutex());
  const SigpipeKept kept;
  lws_set_log_level(0, nullptr);
  lws_context* context = lws_create_context(&info);
  companion->context = context;
  if (context == nullptr) {
    delete owned;
    return make_error(ErrorCode::kIo,
                      "libwebsockets cannot run on libuv; is its libuv plug-in installed "
                      "(Debian: libwebsockets-evlib-uv)?");
  }
  return context;
}

lws_context_creation_info vhost_info(const lws_protocols* protocols, void* user) {
  // All zeros: lws keeps its timers in a sorted list, so a validity timer per connection costs O(n)
  // for each.
  static const lws_retry_bo_t no_timers{};
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = protocols;
  info.user = user;
  info.alpn = "http/1.1";  // LWS_WRITE_RAW would skip the framing of h2
  info.retry_and_idle_policy = &no_timers;
  return info;
}

void use_tls(lws_context_creation_info& info, SSL_CTX* client) {
  info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
  info.provided_client_ssl_ctx = client;
}

lws_vhost* create_vhost_lws(lws_context* context, const lws_context_creation_info& info) {
  const std::lock_guard lock(global_mutex());
  return lws_create_vhost(context, &info);
}

void destroy_context_lws(LoopUv& loop, lws_context* context) {
  auto* owned = static_cast<std::shared_ptr<Companion>*>(lws_context_user(context));
  auto companion = std::move(*owned);
  delete owned;
  {
    const std::lock_guard lock(global_mutex());
    lws_context_destroy(context);
  }
  finish(loop, std::move(companion), 0);
}

void kill_lws(lws* wsi) {
  lws_set_timeout(wsi, static_cast<pending_timeout>(1), LWS_TO_KILL_ASYNC);
  // lws arms its timer on a foreign loop only while it serves a socket: give it its own pipe to
  // serve.
  lws_cancel_service(lws_get_context(wsi));
}

}  // namespace kith
