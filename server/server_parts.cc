// The parts of a server, joined on its loops.
#include "server/server_parts.h"

#include <future>
#include <utility>
#include <vector>

#include "kith/core/random.h"
#include "server/auth/password_hasher_openssl.h"
#include "server/kept_secrets.h"

namespace kith::server {

Status ServerParts::open_stores(ServerOptions& options, const ServerPorts& given) {
  auto stores = open_ports(options.data_dir, given, loop_, options.search, options.partitions,
                           [this](std::uint32_t partition) {
                             LoopUv& loop = loops_.of(partition);
                             return PartitionLoop{loop, loop.soon()};
                           });
  if (!stores) return stores.error();
  stores_ = std::move(*stores);
  if (const Status search = stores_->search_status(); !search) {
    health_.failed(ServiceHealth::Part::kSearch, search.error());
  }
  return settle_secrets(options);
}

Status ServerParts::open(ServerOptions& options, const ServerPorts& given,
                         std::function<void()> each_second) {
  if (Status opened = open_stores(options, given); !opened) return opened;
  passwords_ = make_scrypt_hasher(loop_, {options.password_cost, options.password_threads});
  std::vector<PartitionPorts> partitions;
  for (std::uint32_t i = 0; i < stores_->partitions(); ++i) {
    partitions.push_back({stores_->log(i), stores_->store(i), loops_.side(i)});
  }
  CorePorts ports{std::move(partitions), stores_->feed(), stores_->directory(), stores_->registry(),
                  stores_->bus(),        *passwords_,     stores_->search()};
  ports.health = &health_;
  ports.runs = stores_->runs();
  core_ = ServerCore::make(options, ports, loop_, system_random(), connections_);
  if (Status started = core_->start(); !started) return started;
  if (Status opened = open_listener(options); !opened) return opened;
  each_second_ = std::move(each_second);
  beat();
  return {};
}

Status ServerParts::open_listener(const ServerOptions& options) {
  ListenerOptions listen;
  listen.address = options.listen_address;
  listen.port = options.port;
  listen.tls_certificate_file = options.tls_certificate_file;
  listen.tls_key_file = options.tls_key_file;
  listen.share_port = options.share_port;
  listen.shards = options.shards;
  listen.connections_max = options.connections_max;
  listen.handshakes_per_s = options.handshakes_per_s;
  listen.healthy = [this] { return health_.alive(); };
  listen.trusted_proxies = options.trusted_proxies;
  listen.proxy_protocol = options.proxy_protocol;
  auto listener = ListenerLws::open(listen, loop_, *core_);
  if (!listener) return listener.error();
  listener_ = std::move(*listener);
  connections_.set(listener_.get());
  return {};
}

void ServerParts::beat() {
  if (!core_) return;
  core_->beat();
  each_second_();
  beat_timer_ = loop_.after(Millis(1'000), [this] { beat(); });
}

void ServerParts::close() {
  loop_.run_sync([this] {
    connections_.set(nullptr);
    loop_.cancel(std::exchange(beat_timer_, 0));
    listener_.reset();
    core_.reset();
    loops_.stop_others();
    passwords_.reset();
    stores_.reset();
  });
}

Status ServerParts::ask(CoreCall call) {
  if (loop_.on_loop_thread()) {
    return make_error(ErrorCode::kInvalidArgument, "this call waits: not on the server's own loop");
  }
  auto result = std::make_shared<std::promise<Status>>();
  auto answer = result->get_future();
  loop_.post([this, call = std::move(call), result] {
    if (!core_) {
      result->set_value(make_error(ErrorCode::kClosed, "the server has stopped"));
      return;
    }
    call(*core_, [result](Status s) { result->set_value(std::move(s)); });
  });
  result.reset();  // so that the core alone holds it
  if (answer.wait_for(limits::request_limit) != std::future_status::ready) {
    return make_error(ErrorCode::kTimeout, "the server does not answer");
  }
  try {
    return answer.get();
  } catch (const std::future_error&) {  // the core went away before it answered
    return make_error(ErrorCode::kClosed, "the server has stopped");
  }
}

void ServerParts::add_stats(std::map<std::string, std::uint64_t>& into) const {
  if (core_) into = core_->stats();
  if (listener_) listener_->add_stats(into);
}

void ServerParts::add_metrics(MetricsText& into) const {
  if (core_) core_->add_metrics(into);
  if (listener_) {
    std::map<std::string, std::uint64_t> sockets;
    listener_->add_stats(sockets);
    into.stats(sockets);
  }
  if (stores_ && stores_->commits(0) != nullptr) {
    into.histogram("kith_journal_commit_seconds", "Time of the disk for one commit of the journal.",
                   stores_->commits(0)->read());
  }
}

}  // namespace kith::server
