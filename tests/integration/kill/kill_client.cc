// A device that talks.
#include "tests/integration/kill/kill_client.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/integration/kill/kill_journal.h"

namespace killing {
namespace {

using namespace std::chrono_literals;
using kith::client::Client;
using kith::client::Message;

constexpr auto kAnswerLimit = 60s;
constexpr std::size_t kPage = 200;
constexpr std::size_t kBurstMax = 4;  // messages at once

void require(const kith::Status& status, const char* doing) {
  if (!status) throw std::runtime_error(std::string(doing) + ": " + status.error().to_string());
}

std::vector<Message> history(Client& client, const kith::ConversationId& room, kith::Seq before,
                             std::size_t limit) {
  auto promise = std::make_shared<std::promise<kith::Result<std::vector<Message>>>>();
  auto future = promise->get_future();
  client.history(room, before, limit,
                 [promise](auto page) { promise->set_value(std::move(page)); });
  if (future.wait_for(kAnswerLimit) != std::future_status::ready)
    throw std::runtime_error("history: no answer");
  auto page = future.get();
  if (!page) throw std::runtime_error("history: " + page.error().to_string());
  return std::move(*page);
}

class Talker {
 public:
  Talker(const Seat& seat, const std::string& rooms, unsigned seed)
      : journal_(seat.journal()),
        random_(seed),
        name_(seat.handle + "/" + seat.device + "/" + std::to_string(seed)) {
    auto client = Client::open(seat.options());
    if (!client) throw std::runtime_error("open: " + client.error().to_string());
    client_ = std::move(*client);
    rooms_ = rooms_of(*client_, rooms);
    events_ = client_->on_event([this](const kith::client::Event& event) { on_event(event); });
    client_->connect();
  }

  void run() {
    std::string request;
    while (next_request(request)) {
      if (request == "reconnect") {
        client_->disconnect();
        client_->connect();
      } else if (!request.empty()) {
        std::cout << answer(request) << std::endl;
      } else if (talking_) {
        talk();
      }
    }
  }

  void ask(std::string request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    changed_.notify_all();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  void fail(const std::string& sentence) { journal_.write({"failed", name_ + " " + sentence}); }

 private:
  // The next request, or an empty one when it is time to talk; false at the end.
  bool next_request(std::string& request) {
    request.clear();
    std::unique_lock lock(mutex_);
    const auto pause = std::chrono::milliseconds(5 + random_() % 30);
    changed_.wait_for(lock, pause, [this] { return ended_ || !requests_.empty(); });
    if (requests_.empty()) return !ended_;
    request = std::move(requests_.front());
    requests_.pop_front();
    return true;
  }

  void talk() {
    const kith::ConversationId& room = rooms_[random_() % rooms_.size()];
    for (std::size_t left = 1 + random_() % kBurstMax; left > 0; --left) {
      const std::string text = name_ + "/" + std::to_string(++count_);
      journal_.write({"try", room.to_string(), text});
      const auto id = client_->send(room, text);
      if (!id) throw std::runtime_error("send: " + id.error().to_string());
      journal_.write({"accepted", room.to_string(), id->to_string(), text});
    }
  }

  // Writes down what the person saw. On the client's executor: the next event waits until the line is written.
  void on_event(const kith::client::Event& event) {
    if (const auto* link = std::get_if<kith::client::ConnectionChanged>(&event)) {
      if (link->state == kith::client::ConnectionState::kSignedOut)
        fail("signed out: " + link->reason.to_string());
      return;
    }
    if (std::holds_alternative<kith::client::CacheRecovered>(event))
      return fail("its cache was damaged");
    const auto* changed = std::get_if<kith::client::MessageChanged>(&event);
    if (!changed || changed->message.kind != kith::MessageKind::kText) return;
    const Message& m = changed->message;
    const replay::Fields line{m.mine ? "acked" : "seen", m.conversation.to_string(),
                              m.id.to_string(), std::to_string(m.seq.value)};
    if (m.status == kith::DeliveryStatus::kFailed) {
      fail("a message was refused: " + m.text);
    } else if (!m.mine) {
      journal_.note(line);
    } else if (m.seq) {
      journal_.write(line);
    }
  }

  std::string answer(const std::string& request) {
    std::string out = "ok";
    if (request == "drain") {
      talking_ = false;
      require(client_->wait_online(kAnswerLimit), "connect");
      require(client_->wait_sent(kAnswerLimit), "empty the outbox");
    } else if (request == "heads") {
      for (const auto& room : rooms_) {
        const auto newest = history(*client_, room, {}, 1);
        out += " " + room.to_string() + "=" +
               std::to_string(newest.empty() ? 0 : newest.back().seq.value);
      }
    } else if (request == "fetch") {
      for (const auto& room : rooms_) everything(*client_, room);
    } else {
      throw std::runtime_error("unknown request " + request);
    }
    return out;
  }

  Journal journal_;
  std::mt19937 random_;
  const std::string name_;
  std::unique_ptr<Client> client_;
  std::vector<kith::ConversationId> rooms_;
  std::unique_ptr<kith::client::Subscription> events_;
  bool talking_ = true;
  std::size_t count_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> requests_;
  bool ended_ = false;
};

}  // namespace

kith::client::ClientOptions Seat::options() const {
  kith::client::ClientOptions out;
  out.url = url;
  out.handle = handle;
  out.ca_file = ca_file;
  out.cache_dir = path();
  std::ifstream token(path() + ".token", std::ios::binary);
  out.token = kith::client::fixed_token({std::istreambuf_iterator<char>(token), {}});
  return out;
}

std::vector<kith::ConversationId> rooms_of(Client& client, const std::string& rooms) {
  std::vector<kith::ConversationId> found;
  std::istringstream in(rooms);
  for (std::string room; std::getline(in, room, ',');) {
    if (room[0] == '@') {
      found.push_back(client.direct(room.substr(1)));
    } else if (const auto id = kith::ConversationId::parse(room)) {
      found.push_back(kith::ConversationId(*id));
    }
  }
  return found;
}

std::vector<Message> everything(Client& client, const kith::ConversationId& room) {
  std::vector<Message> found;
  kith::Seq before{};
  do {
    auto page = history(client, room, before, kPage);
    if (page.empty()) break;
    before = page.front().seq;
    found.insert(found.end(), page.rbegin(), page.rend());
  } while (before.value > 1);
  std::reverse(found.begin(), found.end());
  return found;
}

int run_client(const Seat& seat, const std::string& rooms, unsigned seed) {
  try {
    Talker talker(seat, rooms, seed);
    std::thread reader([&] {
      for (std::string line; std::getline(std::cin, line);) talker.ask(line);
      talker.end();
    });
    try {
      talker.run();
    } catch (const std::exception& failure) {
      talker.fail(failure.what());
      std::cout << failure.what() << std::endl;
    }
    reader.join();
    return 0;
  } catch (const std::exception& failure) {
    Journal(seat.journal()).write({"failed", seat.path() + " " + failure.what()});
    return 1;
  }
}

}  // namespace killing
