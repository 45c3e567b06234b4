// A simulated device: start, crash, start again on the same flash.
#include "tests/simulation/device.h"

#include <array>
#include <utility>

namespace kith::sim {
namespace {

// A signed-out person tries again a few times, also after a server's clock that stepped back has caught up.
constexpr std::array kTypesAfter{Millis(2'000), Millis(20'000), Millis(60'000), Millis(120'000)};

// An application that acknowledges by hand takes up to this long for new messages.
constexpr std::int64_t kDealsWithinMs = 3'000;
constexpr std::string_view kHandMark = "hand:";

}  // namespace

// A store that breaks one rule of the client.
class Device::BrokenStore : public client::CacheStore {
 public:
  BrokenStore(client::CacheStore& inner, Rule broken, SeededRandom& random)
      : inner_(inner), broken_(broken), random_(random) {}
  Result<client::CacheContent> load() override { return inner_.load(); }
  Status commit(const client::CacheChange& change) override {
    client::CacheChange spoiled = change;
    if (broken_ == Rule::kHandMarksKept) {
      std::erase_if(spoiled.kv, [](const auto& row) { return row.first.starts_with(kHandMark); });
    } else if (broken_ == Rule::kOutboxDurable) {
      std::erase_if(spoiled.outbox_put, [this](const auto&) { return random_.chance(0.5); });
    } else if (broken_ == Rule::kRangesHonest && !change.events.empty() && random_.chance(0.1)) {
      spoiled.events.pop_back();
    } else if (broken_ == Rule::kCursorBehindData && change.cursor) {
      client::CacheChange cursor;
      cursor.cursor = change.cursor;
      if (Status s = inner_.commit(cursor); !s) return s;
      spoiled.cursor.reset();
    }
    return inner_.commit(spoiled);
  }
  Result<std::vector<client::StoredEvent>> events(const ConversationId& conversation,
                                                  std::uint64_t from, std::uint64_t before,
                                                  std::size_t limit) override {
    return inner_.events(conversation, from, before, limit);
  }
  std::optional<client::StoredEvent> find_message(const ConversationId& conversation,
                                                  const MessageId& id) override {
    return inner_.find_message(conversation, id);
  }
  Result<std::vector<client::FoundEvent>> search(const client::SearchRequest& request) override {
    return inner_.search(request);
  }
  Result<bool> index_more(std::size_t events) override { return inner_.index_more(events); }

 private:
  client::CacheStore& inner_;
  Rule broken_;
  SeededRandom& random_;
};

Device::Device(VirtualTime& time, Network& network, Trace& trace, DeviceWatch& watch, Who who,
               std::string handle, std::uint64_t seed, Rule broken)
    : network_(network),
      trace_(trace),
      watch_(watch),
      who_(std::move(who)),
      handle_(std::move(handle)),
      broken_(broken),
      node_(time, 10 + who_.device),
      random_(seed, broken == Rule::kReconnectsSpread ? 10 : 10 + who_.device),
      application_(seed, 1'000 + who_.device) {}

Device::~Device() {
  engine_.reset();
  sign_in_.reset();
  node_.halt();
}

bool Device::start() {
  if (engine_) return true;
  network_.mute(who_.device, false);
  store_ = std::make_unique<CacheStoreOnDisk>(
      disk_, faults, [this](const client::CacheChange& change) { committed(change); },
      [this] { network_.mute(who_.device, true); });
  spoiled_ = std::make_unique<BrokenStore>(*store_, broken_, random_);
  client::EngineOptions options;
  options.endpoint.url = "ws://simulated/v1/ws";
  options.handle = handle_;
  options.token = [this](std::function<void(Result<std::string>)> done) {
    provide_token(std::move(done));
  };
  options.acknowledge_by_hand = who_.by_hand && broken_ != Rule::kAcknowledgesByHand;
  token_offered_ = false;
  auto made = client::Engine::make(options, node_, random_, *this, *spoiled_,
                                   [this](const client::Event& event) { heard(event); });
  if (!made) {
    trace_.line(who_.name, "cannot start: " + made.error().to_string());
    node_.halt();
    return false;
  }
  engine_ = std::move(*made);
  trace_.line(who_.name, "starts");
  dealing_ = false;
  if (who_.by_hand && !deal()) deal_soon();
  if (wants_online && !dying()) engine_->connection().start();
  return true;
}

bool Device::deal() {
  std::map<ConversationId, Seq> upto;
  for (const client::Message& message : engine_->history().unacknowledged()) {
    watch_.dealt_with(who_, message);
    upto[message.conversation] = std::max(upto[message.conversation], message.seq);
  }
  for (const auto& [id, seq] : upto) {
    if (!dying()) (void)engine_->history().acknowledge(id, seq);
  }
  return upto.empty();
}

void Device::deal_soon() {
  if (std::exchange(dealing_, true)) return;
  node_.after(Millis(application_.between(0, kDealsWithinMs)), [this] {
    dealing_ = false;
    if (engine_ && !dying() && !deal()) deal_soon();
  });
}

// A process uses a stored token once: a second call of the provider gets another one.
void Device::provide_token(std::function<void(Result<std::string>)> done) {
  if (account_ == nullptr) return done("token of " + handle_);
  if (!kept_token_.empty() && !std::exchange(token_offered_, true)) return done(kept_token_);
  token_offered_ = true;
  client::TransportFactory& transports = *this;
  sign_in_ = std::make_unique<PasswordSignIn>(
      transports, node_, handle_, disk_.device, *account_,
      [this, done = std::move(done)](const Result<std::string>& token) {
        kept_token_ = token ? *token : "";
        node_.post([this] { sign_in_.reset(); });
        done(token);
      });
}

void Device::heard(const client::Event& event) {
  if (dying()) return;
  watch_.told(who_, event);
  const auto* message = std::get_if<client::MessageChanged>(&event);
  if (who_.by_hand && message != nullptr && !message->message.mine) deal_soon();
  const auto* changed = std::get_if<client::ConnectionChanged>(&event);
  if (changed == nullptr) return;
  if (changed->state == client::ConnectionState::kOnline) refused_ = 0;
  if (who_.by_hand) deal_soon();
  if (changed->state != client::ConnectionState::kSignedOut) return;
  const ErrorCode why = changed->reason.code;
  if (why != ErrorCode::kRevoked && why != ErrorCode::kUnauthenticated) return;
  kept_token_.clear();
  if (refused_ == kTypesAfter.size()) return;
  node_.after(kTypesAfter.at(refused_++), [this] {
    if (engine_ && wants_online) engine_->connection().start();
  });
}

void Device::committed(const client::CacheChange& change) {
  watch_.cached(who_, change);
  if (change.touches_cache() && random_.chance(0.05)) disk_.synced = disk_.cache;
}

void Device::crash(bool power_loss) {
  if (!engine_) return;
  trace_.line(who_.name, power_loss ? "loses its power" : "is killed");
  network_.mute(who_.device, true);
  engine_.reset();
  sign_in_.reset();
  spoiled_.reset();
  store_.reset();
  node_.halt();
  if (!power_loss || !disk_.synced) return;
  disk_.cache = *disk_.synced;
  watch_.rolled_back(who_);
}

}  // namespace kith::sim
