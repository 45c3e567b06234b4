// The watched adapters: forwarding, telling, spoiling.
#include "tests/simulation/watched_ports.h"

#include <algorithm>
#include <utility>

#include "kith/v1/frame.pb.h"

namespace kith::sim {

// --- log ---

WatchedLog::WatchedLog(const ServerDisks& disks, std::uint32_t partition, Scheduler& scheduler,
                       PortsWatch& watch, Rule broken, SeededRandom& random,
                       const bool& after_change)
    : disks_(disks),
      partition_(partition),
      disk_(disks.partitions()[partition].log),
      watch_(watch),
      broken_(broken),
      random_(random),
      after_change_(after_change),
      seen_(disk_->last),
      inner_(std::make_unique<server::CommandLogMemory>(disk_, scheduler)) {}

WatchedLog::~WatchedLog() {
  inner_.reset();
  catch_up();  // records that were found durable after the crash
}

void WatchedLog::catch_up() {
  for (const server::LogEntry& entry : disk_->entries) {
    if (entry.position <= seen_) continue;
    seen_ = entry.position;
    watch_.logged(partition_, entry);
  }
}

void WatchedLog::append(server::LogRecord record, server::Committed committed) {
  if (auto* create = std::get_if<server::CreateOp>(&record.op);
      create != nullptr && broken_ == Rule::kIdTellsType) {
    create->type = ConversationType::kGroup;
    record.rules_version = 3;
  }
  const Rule hushed = after_change_ ? Rule::kBlockLogged : Rule::kBlockAsked;
  if (auto* block = std::get_if<server::BlockOp>(&record.op);
      block != nullptr && broken_ == hushed) {
    block->on = false;
  }
  auto* receipt = std::get_if<server::ReceiptOp>(&record.op);
  if (broken_ == Rule::kPrivateReading && receipt != nullptr) receipt->publish_read = true;
  inner_->append(std::move(record),
                 [this, committed = std::move(committed)](Result<server::LogEntry> entry) mutable {
                   if (entry && broken_ == Rule::kDurableBeforeSent && random_.chance(0.2)) {
                     std::erase_if(disk_->entries, [&](const server::LogEntry& stored) {
                       return stored.position == entry->position;
                     });
                   }
                   catch_up();
                   committed(std::move(entry));
                 });
}

Result<std::vector<server::LogEntry>> WatchedLog::read(server::Position after, std::size_t limit) {
  auto entries = inner_->read(after, limit);
  if (entries && broken_ == Rule::kBodyIsFinal) {
    for (server::LogEntry& entry : *entries) {
      if (auto* send = std::get_if<server::SendOp>(&entry.record.op)) send->body += "\x1a";
    }
  }
  if (entries && broken_ == Rule::kUserMarksOfAll && partition_ != 0) {
    for (server::LogEntry& entry : *entries) {
      const bool mark = std::holds_alternative<server::UserMarkOp>(entry.record.op);
      if (mark) entry.record.sender = UserId();
    }
  }
  return entries;
}

void WatchedLog::trim(server::Position upto) {
  if (keeps_all) return;
  inner_->trim(upto);
  if (broken_ != Rule::kTrimOfOwn) return;
  for (const PartitionDisks& part : disks_.partitions()) {
    std::erase_if(part.log->entries,
                  [&](const server::LogEntry& entry) { return entry.position <= upto; });
  }
}

// --- store ---

WatchedStore::WatchedStore(const ServerDisks& disks, std::uint32_t partition, Scheduler& scheduler,
                           PortsWatch& watch, Rule broken, SeededRandom& random)
    : disks_(disks),
      partition_(partition),
      disk_(disks.partitions()[partition].store),
      watch_(watch),
      broken_(broken),
      random_(random),
      inner_(std::make_unique<server::ConversationStoreMemory>(disk_, scheduler)) {}

WatchedStore::~WatchedStore() {
  inner_.reset();
  catch_up();  // a batch that was found stored after the crash
}

void WatchedStore::catch_up() {
  while (!handed_over_.empty() && handed_over_.front()->position <= disk_->applied) {
    watch_.applied(partition_, *handed_over_.front());
    handed_over_.pop_front();
  }
}

Result<server::StoredUpTo> WatchedStore::applied() {
  disk_->applied -= std::min(disk_->applied, std::exchange(replay, 0));
  auto applied = inner_->applied();
  if (applied && broken_ == Rule::kPositionsOfOwn) {
    // As far as the log goes: behind its end the server would not start.
    const server::Position first = std::min(disks_.store(0).applied, disks_.log(partition_).last);
    applied->position = std::max(applied->position, first);
  }
  return applied;
}

void WatchedStore::spoil(server::StoreBatch& batch) {
  if (broken_ == Rule::kStoreKeepsRows && !batch.events.empty() && random_.chance(0.05)) {
    batch.events.pop_back();
  }
  if (broken_ == Rule::kWatermarksOnlyGrow && random_.chance(0.1)) {
    for (auto& [id, member] : batch.members) {
      member.delivered_seq = member.delivered_seq > 3 ? member.delivered_seq - 3 : 0;
    }
  }
}

void WatchedStore::apply(std::shared_ptr<const server::StoreBatch> batch, Done<void> done) {
  server::StoreBatch spoilt = *batch;
  spoil(spoilt);
  handed_over_.push_back(std::make_shared<const server::StoreBatch>(std::move(spoilt)));
  inner_->apply(handed_over_.back(), [this, done = std::move(done)](Status status) {
    catch_up();
    if (!status) handed_over_.clear();
    done(std::move(status));
  });
}

void WatchedStore::spoil(server::Conversation& loaded) {
  if (broken_ == Rule::kGaplessSeq) ++loaded.head.last_seq;
  if (broken_ == Rule::kTimeOnlyGrows) loaded.head.last_ts_ms = 0;
  if (broken_ == Rule::kReplayChangesNothing) loaded.head.last_position = 0;
  for (server::Member& member : loaded.members) {
    if (broken_ == Rule::kJoinSeq) member.join_seq = 1;
    if (broken_ == Rule::kUnreadDerived && member.read_ordinal > 0) --member.read_ordinal;
    if (broken_ == Rule::kWithheldCount) member.withheld = 0;
    if (broken_ == Rule::kLeftViewStays && member.left != nullptr) {
      auto view = std::make_shared<server::LeftView>(*member.left);
      view->title = loaded.head.title;
      view->last_ts_ms = loaded.head.last_ts_ms;
      member.left = view;
    }
  }
}

void WatchedStore::load(const ConversationId& id, Done<std::optional<server::Conversation>> done) {
  ++rows_read;
  inner_->load(id,
               [this, done = std::move(done)](Result<std::optional<server::Conversation>> found) {
                 if (found && *found) spoil(**found);
                 done(std::move(found));
               });
}

Result<std::vector<server::Conversation>> WatchedStore::load_all(
    const std::vector<ConversationId>& ids) {
  rows_read += ids.size();
  auto found = inner_->load_all(ids);
  if (!found) return found;
  for (server::Conversation& one : *found) spoil(one);
  return found;
}

void WatchedStore::find(const ConversationId& id, const UserId& sender, const MessageId& message,
                        Done<std::optional<server::Placement>> done) {
  ++rows_read;
  if (broken_ == Rule::kDedupe) return done(std::optional<server::Placement>());
  inner_->find(id, sender, message, std::move(done));
}

void WatchedStore::events(const server::EventQuery& query, Done<std::vector<server::Event>> done) {
  inner_->events(query, [this, done = std::move(done)](Result<std::vector<server::Event>> found) {
    if (found) rows_read += found->size();
    done(std::move(found));
  });
}

void WatchedStore::heads(const ConversationId& after, server::Position changed_after,
                         std::size_t limit, Done<server::HeadsPage> done) {
  inner_->heads(after, changed_after, limit, std::move(done));
}

// --- feeds ---

Result<std::uint64_t> WatchedFeeds::begin() {
  auto run = FeedStoreMemory::begin();
  if (run && broken_ == Rule::kVersionsAscend) return std::uint64_t{1};
  return run;
}

void WatchedFeeds::apply(std::shared_ptr<const server::FeedBatch> batch, Done<void> done) {
  if (broken_ == Rule::kMarksOfEach) {
    server::FeedBatch awaited = *batch;
    server::FeedBatch late;
    std::erase_if(awaited.entries, [&](const server::FeedRow& row) {
      const bool of_first = disks_.partition_of(row.conversation) == 0;
      if (!of_first) late.entries.push_back(row);
      return !of_first;
    });
    FeedStoreMemory::apply(std::make_shared<const server::FeedBatch>(std::move(awaited)),
                           std::move(done));
    return FeedStoreMemory::apply(std::make_shared<const server::FeedBatch>(std::move(late)),
                                  [](const Status&) {});
  }
  if (broken_ != Rule::kMarksBeforeRows)
    return FeedStoreMemory::apply(std::move(batch), std::move(done));
  // The rows go on before the marks are there.
  FeedStoreMemory::apply(std::move(batch), [](const Status&) {});
  scheduler_.post(std::bind(std::move(done), Status()));
}

void WatchedFeeds::changed(const UserId& user, server::FeedVersion after, std::size_t limit,
                           Done<std::vector<server::FeedEntry>> done) {
  FeedStoreMemory::changed(user, after, limit, [this, done = std::move(done)](auto found) {
    if (found) rows_read += found->size();
    if (broken_ == Rule::kFeedComplete && found && !found->empty()) found->pop_back();
    done(std::move(found));
  });
}

void WatchedFeeds::list(const UserId& user, server::FeedVersion before, std::size_t limit,
                        Done<std::vector<server::FeedEntry>> done) {
  FeedStoreMemory::list(user, before, limit, [this, done = std::move(done)](auto found) {
    if (found) rows_read += found->size();
    done(std::move(found));
  });
}

void WatchedFeeds::user_state(const UserId& user, Done<server::FeedVersion> done) {
  ++rows_read;
  FeedStoreMemory::user_state(user, std::move(done));
}

// --- directory ---

void WatchedDirectory::spoil(server::UserRecord& record) const {
  if (broken_ == Rule::kReceiptsPrivate) record.privacy.receipts = true;
  if (broken_ == Rule::kPasswordEndsTokens) record.tokens_valid_from_ms = 0;
  if (broken_ == Rule::kConsent) {
    record.privacy.group_adds = record.privacy.first_messages = server::Audience::kEveryone;
  }
  if (broken_ != Rule::kPresencePrivate) return;
  record.privacy.online = server::Audience::kEveryone;
  record.blocked.clear();
}

void WatchedDirectory::admit(const server::NewUser& user, const server::DeviceRecord& device,
                             Done<server::SignInRecord> done) {
  DirectoryMemory::admit(user, device,
                         [this, done = std::move(done)](Result<server::SignInRecord> record) {
                           if (record) spoil(record->user);
                           done(std::move(record));
                         });
}

void WatchedDirectory::load(const UserId& id, Done<std::optional<server::UserRecord>> done) {
  const auto kept = kept_.find(id);
  if (kept != kept_.end()) return done(std::optional(kept->second));
  DirectoryMemory::load(
      id, [this, id, done = std::move(done)](Result<std::optional<server::UserRecord>> found) {
        if (found && *found) spoil(**found);
        if (keeps_all_but != nullptr && !keeps_all_but->has(id) && found && *found)
          kept_[id] = **found;
        done(std::move(found));
      });
}

void WatchedDirectory::update(const UserId& id, const server::UserChange& change,
                              Done<server::UserRecord> done) {
  DirectoryMemory::update(id, change,
                          [this, id, done = std::move(done)](Result<server::UserRecord> changed) {
                            if (changed) watch_.user_changed(id);
                            if (changed) spoil(*changed);
                            after_change_ = true;
                            done(std::move(changed));
                            after_change_ = false;
                          });
}

void WatchedDirectory::consents(const std::vector<UserId>& ids, const UserId& asker,
                                Done<std::vector<server::Consent>> done) {
  DirectoryMemory::consents(
      ids, asker, [this, done = std::move(done)](Result<std::vector<server::Consent>> found) {
        if (found && broken_ == Rule::kConsent) {
          for (server::Consent& one : *found) one = {one.user, {}, false, false};
        }
        done(std::move(found));
      });
}

void WatchedDirectory::profiles(const std::vector<UserId>& ids,
                                Done<std::vector<server::UserRecord>> done) {
  DirectoryMemory::profiles(
      ids, [this, done = std::move(done)](Result<std::vector<server::UserRecord>> found) {
        if (found && broken_ == Rule::kDeletedIsTold) {
          for (server::UserRecord& one : *found) one.deleted = false;
        }
        done(std::move(found));
      });
}

void WatchedDirectory::remove(const UserId& id, Done<void> done) {
  DirectoryMemory::remove(id, [this, id, done = std::move(done)](const Status& removed) {
    removed_ = removed_ || removed.ok();
    if (removed) watch_.user_removed(id);
    done(removed);
  });
}

void WatchedDirectory::leaving(std::size_t limit, Done<std::vector<UserId>> done) {
  if (broken_ == Rule::kDeparturesGoOn && !removed_) return done(std::vector<UserId>());
  DirectoryMemory::leaving(limit, std::move(done));
}

// --- search index ---

Result<server::Position> WatchedIndex::complete(std::uint32_t partition) {
  if (broken_ != Rule::kIndexOfEach) return SearchIndexMemory::complete(partition);
  auto first = SearchIndexMemory::complete(0);
  // As far as the log goes: an index that is ahead of it would begin anew.
  if (first) *first = std::min(*first, disks_.log(partition).last);
  return first;
}

void WatchedIndex::add(std::shared_ptr<const server::IndexBatch> batch, Done<void> done) {
  server::IndexBatch spoilt = *batch;
  if (broken_ == Rule::kIndexComplete && !spoilt.messages.empty()) spoilt.messages.pop_back();
  if (broken_ == Rule::kIndexOnce && !spoilt.messages.empty()) {
    spoilt.messages.push_back(spoilt.messages.front());
  }
  watch_.indexed(spoilt);
  SearchIndexMemory::add(std::make_shared<const server::IndexBatch>(std::move(spoilt)),
                         std::move(done));
}

void WatchedIndex::begin_anew(Done<void> done) {
  const auto marks = disks_.index->marks;
  SearchIndexMemory::begin_anew([this, marks, done = std::move(done)](const Status& begun) {
    if (broken_ == Rule::kIndexBeginsAnew) disks_.index->marks = marks;
    done(begun);
  });
}

// --- session registry ---

void WatchedRegistry::have(const UserId& user, const server::SessionRef& session) {
  if (!removed_.contains(session.session)) {
    SessionRegistryMemory::add(user, session, [](const Status&) {});
  }
}

void WatchedRegistry::add(const UserId& user, const server::SessionRef& session, Done<void> done) {
  devices[session.session] = session.device;
  watch_.session_enters(session);
  const bool fails = add_fails > 0 && random_.chance(add_fails);
  const bool takes_effect = !fails || random_.chance(0.5);
  const auto add = [this, user, session, fails, takes_effect] {
    if (takes_effect) have(user, session);
    if (!fails && !removed_.contains(session.session)) watch_.session_entered(session);
  };
  const auto answer = [fails, done = std::move(done)] {
    fails ? done(make_error(ErrorCode::kUnavailable, "the simulated registry")) : done({});
  };
  const auto wait = Millis(add_delay_max == 0 ? 0 : random_.between(0, add_delay_max));
  if (broken_ == Rule::kAddBeforeWelcome) {
    answer();
    scheduler_.after(wait, add);
  } else if (wait.count() == 0) {
    add();
    answer();
  } else {
    scheduler_.after(wait, [add, answer] {
      add();
      answer();
    });
  }
}

void WatchedRegistry::remove(const UserId& user, const server::SessionRef& session) {
  removed_.insert(session.session);
  SessionRegistryMemory::remove(user, session);
  watch_.session_left(session);
}

void WatchedRegistry::forget() {
  watch_.sessions_lost(home_);
  forget_all();
  if (broken_ == Rule::kRegistryBelieved) return;
  scheduler_.after(Millis(random_.between(0, 5'000)), [this] { notify_gateways(); });
}

// --- bus ---

// One call for all that is lost until then.
void WatchedBus::lose(const std::string& gateway) {
  if (!says_loss || std::exchange(telling_loss_, true)) return;
  scheduler_.after(Millis(random_.between(0, 5'000)), [this, gateway] {
    telling_loss_ = false;
    watch_.bus_lost(home_);
    if (broken_ != Rule::kLossBelieved) notify_lost(gateway);
  });
}

server::Delivery WatchedBus::with_devices(const server::Delivery& delivery) const {
  v1::ServerFrame frame;
  if (!frame.ParseFromString(*delivery.frame) || !frame.has_event_push()) return delivery;
  for (v1::Event& event : *frame.mutable_event_push()->mutable_events()) {
    const auto id = ConversationId::from_bytes(event.conversation_id()).value();
    for (const server::LogEntry& entry : disks_.log(disks_.partition_of(id)).entries) {
      if (entry.record.command_id.view() != event.message_id()) continue;
      event.set_sender_device(entry.record.sender_device.bytes());
    }
  }
  server::Delivery telling = delivery;
  telling.frame = std::make_shared<const std::string>(frame.SerializeAsString());
  return telling;
}

void WatchedBus::publish(const std::string& gateway, const server::Delivery& made) {
  server::Delivery delivery = broken_ == Rule::kDevicesPrivate ? with_devices(made) : made;
  if (broken_ == Rule::kRedacted) delivery.redacted = nullptr;
  for (const std::uint64_t session : delivery.sessions) {
    const auto device = registry_.devices.find(session);
    if (device != registry_.devices.end()) watch_.published(device->second, *delivery.frame);
  }
  if (random_.chance(loss)) return lose(gateway);
  if (delay_max == 0) return BusMemory::publish(gateway, delivery);
  const std::int64_t now = scheduler_.clock().steady_ms();
  last_due_ = std::max(last_due_, now + random_.between(0, delay_max));
  scheduler_.after(Millis(last_due_ - now),
                   [this, gateway, delivery] { BusMemory::publish(gateway, delivery); });
}

}  // namespace kith::sim
