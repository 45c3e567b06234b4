// Filler: conversation by conversation through the journal into the store.
#include "benchmarks/fill/filler.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "benchmarks/fill/turns.h"
#include "benchmarks/load/chatter.h"
#include "benchmarks/load/clock.h"
#include "benchmarks/load/histogram.h"
#include "benchmarks/load/partners.h"
#include "kith/core/limits.h"
#include "kith/v1/send.pb.h"
#include "server/adapters/embedded/embedded.h"
#include "server/conversation/decide.h"
#include "server/records/feed_versions.h"
#include "src/hash.h"
#include "src/uuid.h"

namespace kith::bench {
namespace {

constexpr std::size_t kTexts = 256;
constexpr std::size_t kBatch = 32'768;  // records that are on their way at a time
static_assert(kBatch <= limits::journal_pending_max);
constexpr std::uint32_t kPage = 50;
constexpr std::uint32_t kWarm = 500;  // conversations that are read

// One 1:1 conversation of the plan.
struct Talk {
  ConversationId id;
  std::uint32_t users[2];  // the user who writes first, and the one who answers
};

std::vector<Talk> plan(const FillOptions& options, const std::vector<UserId>& users) {
  const Partners partners(options.users / 2, options.conversations);
  std::vector<Talk> talks;
  talks.reserve(options.conversations);
  for (std::uint32_t c = 0; c < options.conversations; ++c) {
    const std::uint32_t from = partners.sender_of(c);
    const std::uint32_t to = partners.receiver_of(c);
    talks.push_back({ConversationId::direct(users[from], users[to]), {from, to}});
  }
  // In the order of the store's trees: each page of the file is written once.
  std::sort(talks.begin(), talks.end(), [](const Talk& a, const Talk& b) { return a.id < b.id; });
  return talks;
}

std::string handle_of(const FillOptions& options, std::uint32_t user) {
  return options.prefix + "-" + std::to_string(user);
}

std::vector<UserId> users_of(const FillOptions& options) {
  std::vector<UserId> users;
  for (std::uint32_t i = 0; i < options.users; ++i) {
    users.push_back(UserId::of(handle_of(options, i)));
  }
  return users;
}

Status check(const FillOptions& options) {
  const std::uint32_t pairs = options.users / 2;
  if (pairs == 0 || options.conversations < pairs ||
      options.conversations > Partners::most(pairs)) {
    return make_error(ErrorCode::kBadConfig, std::to_string(options.users) + " users have " +
                                                 std::to_string(pairs) + " to " +
                                                 std::to_string(Partners::most(pairs)) +
                                                 " conversations from even to odd");
  }
  if (options.messages < options.conversations) {
    return make_error(ErrorCode::kBadConfig, "each conversation has a message at least");
  }
  return {};
}

std::uint64_t written_by_this_process() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  while (io >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

double seconds_since(Micros began) {
  return static_cast<double>(now_us() - began) / 1e6;
}

class Filler {
 public:
  Filler(const FillOptions& options, const std::function<void(std::uint64_t)>& progress)
      : options_(options), progress_(progress), ids_(system_clock(), random_) {
    for (const std::string& text : Chatter().texts(kTexts, options.bytes)) {
      v1::Content content;
      content.mutable_plain()->set_text(text);
      bodies_.push_back(content.SerializeAsString());
    }
  }

  Result<FillFigures> run() {
    const Micros began = now_us();
    const std::uint64_t written = written_by_this_process();
    if (auto fits = check(options_); !fits) return fits.error();
    auto opened = server::open_embedded(options_.data, turns_);
    if (!opened) return opened.error();
    stores_ = std::move(*opened);
    if (stores_->log(0).last() != 0) {
      return make_error(ErrorCode::kAlreadyExists, options_.data + " is not empty");
    }
    const auto run = stores_->feed().begin();
    if (!run) return run.error();
    versions_.begin(*run);
    const auto users = users_of(options_);
    if (auto made = make_users(); !made) return made.error();
    if (auto filled = fill_all(plan(options_, users), users); !filled) return filled.error();
    stores_.reset();
    figures_.seconds = seconds_since(began);
    figures_.written_bytes = written_by_this_process() - written;
    return figures_;
  }

 private:
  Status make_users() {
    std::uint32_t left = options_.users;
    Status status;
    for (std::uint32_t i = 0; i < options_.users; ++i) {
      stores_->directory().create({handle_of(options_, i), "", ""}, [&](Result<void> made) {
        if (!made) status = made.error();
        --left;
      });
    }
    turns_.run_until([&] { return left == 0; });
    return status;
  }

  Status fill_all(const std::vector<Talk>& talks, const std::vector<UserId>& users) {
    std::vector<DeviceId> devices;
    for (std::uint32_t i = 0; i < options_.users; ++i) {
      devices.emplace_back(hash16("kith-fill-device:" + handle_of(options_, i)));
    }
    known_.resize(talks.size());
    for (std::uint32_t round = 0; round < options_.rounds; ++round) {
      for (std::size_t t = 0; t < talks.size(); ++t) {
        const std::uint64_t upto = share(t, talks.size(), round + 1);
        for (std::uint64_t n = share(t, talks.size(), round); n < upto; ++n) {
          const std::uint32_t sender = talks[t].users[n % 2];
          if (n == 0) {
            add(talks[t], t, users[sender], devices[sender],
                server::CreateOp{ConversationType::kDirect, "", {users[talks[t].users[1]]}});
          }
          server::SendOp send;
          send.body = bodies_[++written_ % kTexts];
          add(talks[t], t, users[sender], devices[sender], std::move(send));
          ++figures_.messages;
          if (records_.size() + 2 <= kBatch) continue;
          if (auto stored = flush(); !stored) return stored;
        }
        if (round + 1 == options_.rounds) done_.push_back(t);
      }
    }
    return flush();
  }

  // Messages of conversation t after `rounds` rounds.
  [[nodiscard]] std::uint64_t share(std::size_t t, std::size_t all, std::uint32_t rounds) const {
    const std::uint64_t total = options_.messages / all + (t < options_.messages % all ? 1 : 0);
    return total * rounds / options_.rounds;
  }

  template <class Op>
  void add(const Talk& talk, std::size_t index, const UserId& sender, const DeviceId& device,
           Op op) {
    server::LogRecord record;
    record.conversation = talk.id;
    record.command_id = ids_.next();
    record.sender = sender;
    record.sender_device = device;
    record.gateway_ts_ms = system_clock().wall().ms;
    record.rules_version = server::kRulesVersion;
    record.op = std::move(op);
    records_.emplace_back(index, std::move(record));
  }

  // Appends to the journal, and applies the decisions to the store.
  Status flush() {
    if (records_.empty()) return {};
    Status status;
    const Micros began = now_us();
    std::size_t left = records_.size();
    auto batch = std::make_shared<server::StoreBatch>();
    std::vector<std::size_t> touched;
    for (auto& [index, record] : records_) {
      stores_->log(0).append(std::move(record), [&, index = index](Result<server::LogEntry> entry) {
        --left;
        if (!entry) {
          status = entry.error();
        } else {
          if (touched.empty() || touched.back() != index) touched.push_back(index);
          if (Status decided = decide(index, *entry, *batch); !decided) status = decided;
        }
      });
    }
    turns_.run_until([&] { return left == 0; });
    records_.clear();
    const Micros journaled = now_us();
    figures_.journal_seconds += static_cast<double>(journaled - began) / 1e6;
    if (!status) return status;
    auto marks = std::make_shared<server::FeedBatch>();
    for (const std::size_t index : touched) {
      const server::Conversation& c = known_[index];
      batch->heads.push_back(c.head);
      const server::FeedVersion ver = versions_.next(1);
      for (const server::Member& m : c.members) {
        batch->members.emplace_back(c.head.id, m);
        marks->entries.push_back({m.user, c.head.id, ver, c.head.large && m.active()});
      }
      if (c.head.large) marks->groups.emplace_back(c.head.id, ver);
    }
    bool marked = false;
    stores_->feed().apply(marks, [&](Result<void> result) {
      if (!result) status = result.error();
      marked = true;
    });
    turns_.run_until([&] { return marked; });
    if (!status) return status;
    bool stored = false;
    stores_->store(0).apply(batch, [&](Result<void> result) {
      if (!result) status = result.error();
      stored = true;
    });
    turns_.run_until([&] { return stored; });
    figures_.store_seconds += seconds_since(journaled);
    if (!status) return status;
    stores_->log(0).trim(batch->position);
    for (const std::size_t index : std::exchange(done_, {})) known_[index] = {};
    progress_(figures_.messages);
    return {};
  }

  Status decide(std::size_t index, const server::LogEntry& entry, server::StoreBatch& batch) {
    server::Conversation& c = known_[index];
    server::Outcome out = server::decide(c, entry, std::nullopt);
    if (out.error) return *out.error;
    if (out.event != nullptr) {
      figures_.event_bytes += out.event->body.size() + MessageId::kSize + UserId::kSize +
                              ConversationId::kSize + DeviceId::kSize;
      batch.events.push_back(std::move(out.event));
    }
    batch.position = entry.position;
    ++figures_.records;
    return {};
  }

  const FillOptions& options_;
  const std::function<void(std::uint64_t)>& progress_;
  FastRandom random_;
  UuidGenerator ids_;
  std::vector<std::string> bodies_;
  std::size_t written_ = 0;
  Turns turns_;
  std::unique_ptr<server::EmbeddedStores> stores_;
  std::vector<std::pair<std::size_t, server::LogRecord>> records_;  // of the next batch
  std::vector<server::Conversation> known_;
  server::FeedVersions versions_;
  std::vector<std::size_t> done_;  // complete conversations: forgotten when they are stored
  FillFigures figures_;
};

}  // namespace

Result<FillFigures> fill(const FillOptions& options,
                         const std::function<void(std::uint64_t)>& progress) {
  return Filler(options, progress).run();
}

Result<ReadFigures> read_newest(const FillOptions& options, std::uint32_t pages) {
  if (auto fits = check(options); !fits) return fits.error();
  Turns turns;
  auto opened = server::open_embedded(options.data, turns);
  if (!opened) return opened.error();
  const auto talks = plan(options, users_of(options));
  FastRandom random;
  std::vector<ConversationId> chosen;
  for (std::uint32_t i = 0; i < kWarm; ++i) chosen.push_back(talks[random.below(talks.size())].id);
  ReadFigures figures;
  Histogram nanoseconds;
  Status status;
  for (std::uint32_t i = 0; i < kWarm + pages; ++i) {
    server::EventQuery query;
    query.conversation = chosen[i < kWarm ? i : random.below(chosen.size())];
    query.limit = kPage;
    query.newest = true;
    const auto began = std::chrono::steady_clock::now();
    (*opened)->store(0).events(query, [&](Result<std::vector<server::Event>> read) {
      if (!read) status = read.error();
      if (read && i >= kWarm) figures.events += read->size();
    });
    if (!status) return status.error();
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - began;
    if (i >= kWarm) nanoseconds.record(took.count());
  }
  figures.pages = pages;
  figures.p50_us = static_cast<double>(nanoseconds.quantile(0.5)) / 1000;
  figures.p99_us = static_cast<double>(nanoseconds.quantile(0.99)) / 1000;
  figures.max_us = static_cast<double>(nanoseconds.max()) / 1000;
  return figures;
}

std::uint64_t disk_bytes(const std::string& data) {
  std::uint64_t bytes = 0;
  std::error_code failed;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data, failed)) {
    if (entry.is_regular_file(failed)) bytes += entry.file_size(failed);
  }
  return bytes;
}

}  // namespace kith::bench
