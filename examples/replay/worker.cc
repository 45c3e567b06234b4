// The client process of the replay.
#include "worker.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "kith/client/client.h"
#include "lines.h"

namespace replay {
namespace {

using namespace std::chrono_literals;
using kith::client::Client;
using kith::client::Message;

constexpr auto kOnlineLimit =
    60s;  // longer than a killed server and the longest back-off between attempts
constexpr auto kPageLimit = 30s;
constexpr auto kSearchLimit = 20s;
constexpr std::size_t kPage = 200;
constexpr int kAttempts = 10;
constexpr char kPassword[] = "kith-replay-on-loopback";  // the accounts live as long as one replay

struct Failure {
  std::string sentence;
};

void check(const kith::Status& status, const char* doing) {
  if (!status) throw Failure{std::string(doing) + ": " + status.error().to_string()};
}

void reply(const Fields& fields) {
  static std::mutex mutex;
  const std::string line = join(fields);
  const std::lock_guard lock(mutex);
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(STDOUT_FILENO, line.data() + done, line.size() - done);
    if (n <= 0) ::_exit(1);  // the replay is gone
    done += static_cast<std::size_t>(n);
  }
}

// One open client and its events.
class Device {
 public:
  explicit Device(kith::client::ClientOptions options) {
    auto client = Client::open(std::move(options));
    if (!client) throw Failure{"open: " + client.error().to_string()};
    client_ = std::move(*client);
    events_ = client_->on_event([this](const kith::client::Event& event) { on_event(event); });
    client_->connect();
    check(client_->wait_online(kOnlineLimit), "connect");
  }
  ~Device() {
    events_.reset();
    client_->close();
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  Client& client() { return *client_; }

  // All messages of a conversation that the client answers with, oldest first.
  std::vector<Message> everything(const kith::ConversationId& id) {
    std::vector<std::vector<Message>> pages;
    kith::Seq before{};
    for (;;) {
      auto page = history(id, before, kPage);
      if (page.empty()) break;
      before = page.front().seq;
      pages.push_back(std::move(page));
      if (before.value <= 1) break;
    }
    std::vector<Message> out;
    for (auto page = pages.rbegin(); page != pages.rend(); ++page) {
      out.insert(out.end(), page->begin(), page->end());
    }
    return out;
  }

  // Messages of a conversation with this word, found by this device and the server together.
  std::size_t count(const kith::ConversationId& id, const std::string& word) {
    std::set<kith::MessageId> found;
    kith::client::SearchQuery query{.text = "\"" + word + "\"", .conversation = id, .limit = 50};
    do {
      auto promise = std::make_shared<std::promise<kith::Result<kith::client::SearchPage>>>();
      auto future = promise->get_future();
      client_->search(query, [promise](auto page) { promise->set_value(std::move(page)); });
      if (future.wait_for(kPageLimit) != std::future_status::ready)
        throw Failure{"search: no answer"};
      const auto page = future.get();
      if (!page) throw Failure{"search: " + page.error().to_string()};
      if (!page->complete) throw Failure{"search: the server was not asked"};
      for (const auto& hit : page->hits) found.insert(hit.message.id);
      query.after = page->next;
    } while (!query.after.empty());
    return found.size();
  }

  std::vector<Message> history(const kith::ConversationId& id, kith::Seq before,
                               std::size_t limit) {
    auto promise = std::make_shared<std::promise<kith::Result<std::vector<Message>>>>();
    auto future = promise->get_future();
    client_->history(id, before, limit,
                     [promise](auto page) { promise->set_value(std::move(page)); });
    if (future.wait_for(kPageLimit) != std::future_status::ready)
      throw Failure{"history: no answer"};
    auto page = future.get();
    if (!page) throw Failure{"history: " + page.error().to_string()};
    return std::move(*page);
  }

 private:
  void on_event(const kith::client::Event& event) {
    const auto* changed = std::get_if<kith::client::MessageChanged>(&event);
    if (!changed || changed->message.kind != kith::MessageKind::kText) return;
    const Message& m = changed->message;
    const std::string now = std::to_string(now_us());
    if (changed->is_new && changed->live) reply({"0", "got", m.id.to_string(), now});
    if (!m.mine || m.status == kith::DeliveryStatus::kSending) return;
    if (!told_.insert(m.id).second) return;
    if (m.status == kith::DeliveryStatus::kFailed) {
      reply({"0", "failed", m.id.to_string()});
    } else {
      reply({"0", "sent", m.id.to_string(), std::to_string(m.seq.value), now});
    }
  }

  std::unique_ptr<Client> client_;
  std::set<kith::MessageId> told_;  // on the client's executor only
  std::unique_ptr<kith::client::Subscription> events_;
};

class Worker {
 public:
  Worker(std::string url, std::string ca_file, std::string dir)
      : url_(std::move(url)),
        ca_file_(std::move(ca_file)),
        dir_(std::move(dir)),
        runtime_(kith::client::Runtime::make()) {}

  void handle(const Fields& request) {
    try {
      Fields answer = run(request);
      answer.insert(answer.begin(), {request[0], "ok"});
      reply(answer);
    } catch (const Failure& failure) {
      reply({request[0], "error", failure.sentence});
    } catch (const std::exception& failure) {
      reply({request[0], "error", failure.what()});
    }
  }

  void close_all() {
    std::map<std::string, std::shared_ptr<Device>> devices;
    {
      const std::lock_guard lock(mutex_);
      devices.swap(devices_);
    }
  }

 private:
  Fields run(const Fields& r) {
    if (r.size() < 4) throw Failure{"a request has at least four fields"};
    const std::string& verb = r[1];
    if (verb == "register") return token(r[2], r[3]), Fields{};
    if (verb == "open") return open(r[2], r[3]), Fields{};
    if (verb == "close") return close(r[2], r[3]), Fields{};
    const auto device = find(r[2], r[3]);
    if (verb == "cut") return cut(*device, std::stoi(r.at(4))), Fields{};
    if (verb == "group") return group(*device, r);
    if (verb == "send") return send(*device, r);
    if (verb == "own") return own(*device, conversation(r.at(4)));
    if (verb == "search") return search(*device, conversation(r.at(4)), r);
    if (verb == "check") return verify(*device, r);
    if (verb == "rows") return rows(*device, conversation(r.at(4)));
    throw Failure{"unknown request " + verb};
  }

  [[nodiscard]] std::string path(const std::string& handle, const std::string& device) const {
    return dir_ + "/" + kith::UserId::of(handle).to_string() + "-" + device;
  }

  [[nodiscard]] kith::client::ClientOptions options(const std::string& handle,
                                                    const std::string& device) const {
    kith::client::ClientOptions out;
    out.url = url_;
    out.handle = handle;
    out.ca_file = ca_file_;
    out.cache_dir = path(handle, device);
    out.agent = "kith-replay/" KITH_VERSION_STRING;
    out.runtime = runtime_;
    return out;
  }

  // The token of a device: from its file, else by registering or signing in.
  std::string token(const std::string& handle, const std::string& device) {
    const std::string file = path(handle, device) + ".token";
    std::ifstream in(file, std::ios::binary);
    std::string known(std::istreambuf_iterator<char>(in), {});
    if (!known.empty()) return known;
    const auto how = options(handle, device);
    kith::Error last;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      auto made = device == "0" ? Client::register_account(how, kPassword, handle)
                                : Client::sign_in(how, kPassword);
      if (!made && made.error().code == kith::ErrorCode::kAlreadyExists) {
        made = Client::sign_in(how, kPassword);
      }
      if (made) {
        std::ofstream(file + ".new", std::ios::binary) << made->value;
        std::filesystem::rename(file + ".new", file);
        return made->value;
      }
      last = made.error();
      if (last.retry() == kith::Retry::kNever) break;
      std::this_thread::sleep_for(std::max(200ms, std::chrono::milliseconds(last.retry_after_ms)));
    }
    throw Failure{"sign in as " + handle + ": " + last.to_string()};
  }

  void open(const std::string& handle, const std::string& device) {
    auto how = options(handle, device);
    how.token = kith::client::fixed_token(token(handle, device));
    auto fresh = std::make_shared<Device>(std::move(how));
    const std::lock_guard lock(mutex_);
    devices_[handle + "\n" + device] = std::move(fresh);
  }

  void close(const std::string& handle, const std::string& device) {
    std::shared_ptr<Device> gone;
    {
      const std::lock_guard lock(mutex_);
      const auto it = devices_.find(handle + "\n" + device);
      if (it == devices_.end()) return;
      gone = std::move(it->second);
      devices_.erase(it);
    }
    // A request that was given the device before may still hold it; its cache is free only when
    // that is done.
    while (gone.use_count() > 1) std::this_thread::sleep_for(1ms);
  }

  std::shared_ptr<Device> find(const std::string& handle, const std::string& device) {
    const std::lock_guard lock(mutex_);
    const auto it = devices_.find(handle + "\n" + device);
    if (it == devices_.end()) throw Failure{handle + " is not open"};
    return it->second;
  }

  static kith::ConversationId conversation(const std::string& text) {
    const auto id = kith::ConversationId::parse(text);
    if (!id) throw Failure{"no conversation id: " + text};
    return *id;
  }

  static void cut(Device& device, int ms) {
    device.client().disconnect();
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    device.client().connect();
  }

  static Fields group(Device& device, const Fields& r) {
    std::vector<kith::UserId> members;
    for (std::size_t i = 5; i < r.size(); ++i) members.push_back(kith::UserId::of(r[i]));
    auto id = device.client().create_group(r.at(4), members);
    if (!id) throw Failure{"create group: " + id.error().to_string()};
    check(device.client().wait_sent(kOnlineLimit), "create group");
    return {id->to_string()};
  }

  // Fields: conversation, the answered message and its seq (both empty: none; seq empty: the
  // device's own message, not placed yet), text.
  static Fields send(Device& device, const Fields& r) {
    const auto answered = kith::MessageId::parse(r.at(5));
    if (answered && !r.at(6).empty()) {
      await(device, conversation(r.at(4)), *answered, std::stoull(r.at(6)));
    }
    const std::int64_t before = now_us();
    auto id = device.client().send(conversation(r.at(4)), r.at(7),
                                   answered ? kith::MessageId(*answered) : kith::MessageId());
    if (!id) throw Failure{"send: " + id.error().to_string()};
    return {id->to_string(), std::to_string(before)};
  }

  // People answer what they have seen: waits until the device holds the message.
  static void await(Device& device, const kith::ConversationId& id, const kith::MessageId& message,
                    std::uint64_t seq) {
    const std::int64_t limit = now_us() + std::chrono::microseconds(kOnlineLimit).count();
    for (;;) {
      const auto page = device.history(id, kith::Seq{seq + 1}, 1);
      if (!page.empty() && page.back().id == message) return;
      if (now_us() >= limit) throw Failure{"the answered message does not arrive"};
      std::this_thread::sleep_for(20ms);
    }
  }

  static Fields own(Device& device, const kith::ConversationId& id) {
    check(device.client().wait_online(kOnlineLimit), "connect");
    check(device.client().wait_sent(kOnlineLimit), "empty the outbox");
    Fields out;
    for (const Message& m : device.history(id, {}, kPage)) {
      if (!m.mine || m.kind != kith::MessageKind::kText || !m.seq) continue;
      out.insert(out.end(), {m.id.to_string(), std::to_string(m.seq.value), m.text});
    }
    return out;
  }

  static Fields rows(Device& device, const kith::ConversationId& id) {
    Fields out;
    for (const Message& m : device.everything(id)) {
      if (m.kind != kith::MessageKind::kText) continue;
      out.insert(out.end(), {m.id.to_string(), m.sender.to_string(),
                             std::to_string(m.reply_to.value), m.text});
    }
    return out;
  }

  static Fields search(Device& device, const kith::ConversationId& id, const Fields& r) {
    check(device.client().wait_online(kOnlineLimit), "connect");
    Fields out;
    for (std::size_t i = 5; i + 2 < r.size(); i += 3) {
      const std::size_t least = std::stoull(r[i + 1]);
      const std::size_t most = std::stoull(r[i + 2]);
      const std::int64_t limit = now_us() + std::chrono::microseconds(kSearchLimit).count();
      std::size_t found = device.count(id, r[i]);
      // The server's index follows a few seconds behind.
      while ((found < least || found > most) && now_us() < limit) {
        std::this_thread::sleep_for(200ms);
        found = device.count(id, r[i]);
      }
      out.push_back(std::to_string(found));
    }
    return out;
  }

  // Fills the cache while online, then goes offline and reads it.
  static Fields verify(Device& device, const Fields& r) {
    check(device.client().wait_online(kOnlineLimit), "connect");
    check(device.client().wait_sent(kOnlineLimit), "empty the outbox");
    for (std::size_t i = 4; i + 1 < r.size(); i += 2) device.everything(conversation(r[i]));
    device.client().disconnect();
    Fields out;
    for (std::size_t i = 4; i + 1 < r.size(); i += 2) {
      Fingerprint fingerprint;
      for (const auto& field : rows(device, conversation(r[i]))) fingerprint.add(field);
      out.push_back(fingerprint.text() == r[i + 1] ? "1" : "0");
    }
    return out;
  }

  std::string url_;
  std::string ca_file_;
  std::string dir_;
  std::shared_ptr<kith::client::Runtime> runtime_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Device>> devices_;
};

}  // namespace

int run_worker(const std::string& url, const std::string& ca_file, const std::string& dir) {
  Worker worker(url, ca_file, dir);
  std::atomic<int> running{0};
  std::string line;
  while (std::getline(std::cin, line)) {
    // A thread per request: the replay has few of them under way at a time, and many of them wait
    // for the network.
    ++running;
    std::thread([&worker, &running, request = split(line)] {
      worker.handle(request);
      --running;
    }).detach();
  }
  while (running) std::this_thread::sleep_for(1ms);
  worker.close_all();
  return 0;
}

}  // namespace replay
