// World: construction, stepping, telling the checkers.
#include "tests/simulation/world.h"

#include <utility>

#include "src/frame_codec.h"
#include "tests/simulation/checkers/restore.h"
#include "tests/simulation/describe.h"

namespace kith::sim {
namespace {

std::uint64_t refused_as_overloaded(const v1::ServerFrame& frame) {
  std::uint64_t count = frame.error().code() == v1::ERROR_CODE_OVERLOADED ? 1 : 0;
  for (const v1::ItemResult& item : frame.send_result().items()) {
    if (item.error().code() == v1::ERROR_CODE_OVERLOADED) ++count;
  }
  return count;
}

// As the trace calls it.
std::string part_name(const char* engine, std::uint32_t partition) {
  return partition == 0 ? engine : engine + std::to_string(partition);
}

}  // namespace

World::World(std::uint64_t seed, const std::vector<int>& devices_of, Rule broken,
             std::uint32_t partitions, std::optional<std::uint64_t> others_seed,
             std::uint32_t homes)
    : trace_(time_),
      weather_(seed, 3),
      network_(time_, weather_, trace_, *this),
      disks_(partitions, homes),
      users_(devices_of.size()),
      truth_{disks_,
             *disks_.directory,
             *disks_.index,
             who_,
             [this](std::size_t device) -> const CacheDisk& { return devices_.at(device)->disk(); },
             [this](std::size_t device) { return devices_.at(device)->engine(); },
             [this] { return time_.now(); },
             [this] { return restored_; },
             [this](std::size_t device) {
               return devices_.at(device)->node().clock_was_set() &&
                      server().node().clock_was_set();
             },
             0} {
  for (std::uint32_t i = 0; i < homes; ++i) {
    servers_.push_back(std::make_unique<ServerNode>(time_, network_, trace_, *this, disks_,
                                                    server::Home{i, homes}, seed, broken));
  }
  for (std::size_t user = 0; user < users_; ++user) {
    for (int i = 0; i < devices_of[user]; ++i) {
      who_.push_back(
          {who_.size(), user_of(user),
           handle_of(user) + "." + std::to_string(i) + "(d" + std::to_string(who_.size()) + ")"});
      devices_.push_back(
          std::make_unique<Device>(time_, network_, trace_, *this, who_.back(), handle_of(user),
                                   user == 0 ? seed : others_seed.value_or(seed), broken));
    }
  }
  for (std::size_t user = 0; user < users_; ++user) {  // everybody has an account
    auto& account = disks_.directory->accounts[user_of(user)];
    account.user.id = user_of(user);
    account.user.handle = account.user.display_name = handle_of(user);
  }
  checkers_ = all_checkers(truth_, findings_);
  if (broken == Rule::kEveryRequestAnswered) network_.lose_answers();
  if (broken == Rule::kResyncObeyed) network_.hide_resyncs();
  if (broken == Rule::kBlockIsNobody || broken == Rule::kBlockIsSilent ||
      broken == Rule::kContactsAreSilent) {
    network_.garble([this, broken](std::size_t device, std::string_view bytes) {
      return tell_why(broken, device, bytes);
    });
  }
}

World::~World() {
  for (auto& device : devices_) device->crash(false);
  devices_.clear();
  for (auto& server : servers_) server->crash();  // while those who watch it are here
}

bool World::run_until(std::int64_t until) {
  while (!findings_.first() && time_.step(until)) {
    if (stepped_) stepped_();
    end_the_dying();
  }
  return !findings_.first();
}

// A process can only be taken away when none of its code is running: between two steps.
void World::end_the_dying() {
  for (auto& device : devices_) {
    if (!device->dying()) continue;
    device->crash(false);
    if (device_died_) device_died_(*device);
  }
  if (server_steps_left_ < 0 || --server_steps_left_ >= 0 || !server().running()) return;
  server().crash();
  if (server_died_) server_died_();
}

void World::restore(const ServerDisks::Copy& copy) {
  trace_.line("server", "is restored");
  server().restore(copy);
  restored_ = true;
  for (const Who& who : who_) of_old_.insert(who.device);
  checkers_ = all_checkers(truth_, findings_);
  checkers_.push_back(std::make_unique<RestoreChecker>(truth_, findings_));
  findings_.pause(true);
  for (auto& checker : checkers_) {
    for (const auto& [id, events] : truth_.events()) {
      for (const auto& [seq, event] : events) checker->durable(event.message_id);
    }
    for (std::uint32_t i = 0; i < truth_.disks.count(); ++i) {
      for (const auto& entry : truth_.disks.log(i).entries) checker->logged_before(i, entry);
    }
    for (const Who& who : who_) {
      for (const auto& [id, row] : truth_.disk(who.device).outbox) {
        if (row.failed) checker->refused(id);
      }
    }
  }
  findings_.pause(false);
}

// --- people ---

Result<MessageId> World::send(Device& device, const ConversationId& to, const std::string& text,
                              const MessageId& reply_to) {
  const auto id = device.engine()->outgoing().send(to, text, reply_to);
  if (device.dying()) return make_error(ErrorCode::kClosed, "killed inside send()");
  if (!id) {
    trace_.line(device.who().name, "send refused: " + id.error().to_string());
    return id;
  }
  trace_.line(device.who().name, "sends " + id->to_string() + " to " + to.to_string());
  for (auto& checker : checkers_) checker->accepted(device.who(), {*id, to, text, reply_to});
  return id;
}

void World::discard(Device& device, const MessageId& id) {
  (void)device.engine()->outgoing().discard(id);
  if (device.disk().outbox.contains(id)) return;  // killed or refused before it was done
  for (auto& checker : checkers_) checker->discarded(device.who(), id);
}

void World::search(Device& device, const std::string& word, const std::string& after,
                   client::Done<client::SearchPage> done) {
  client::SearchQuery query;
  query.text = "\"" + word;  // a phrase whose last word may go on
  query.after = after;
  device.engine()->searches().search(
      query, [this, &device, word, done = std::move(done)](const Result<client::SearchPage>& page) {
        if (page && !of_old_.contains(device.who().device)) {
          trace_.line(device.who().name,
                      "finds " + std::to_string(page->hits.size()) + " with " + word);
          for (auto& checker : checkers_) checker->found(device.who(), word, *page);
        }
        done(page);
      });
}

void World::found_all(Device& device, const std::string& word,
                      const std::vector<client::Message>& messages) {
  for (auto& checker : checkers_) checker->found_all(device.who(), word, messages);
}

void World::acknowledge_by_hand(std::size_t device) {
  who_.at(device).by_hand = true;
  devices_.at(device)->acknowledge_by_hand();
}

void World::give_password(std::size_t user) {
  Credentials& own = credentials_[user];
  own.maybe("first password of " + handle_of(user));
  disks_.directory->accounts.at(user_of(user)).password_hash = ServerNode::hash_of(own.likeliest());
  for (auto& device : devices_) {
    if (device->who().user == user_of(user)) device->use_password(&own);
  }
}

void World::change_password(Device& device, const std::string& fresh) {
  Credentials& own = *device.account();
  trace_.line(device.who().name, "changes its password to " + fresh);
  const std::string old = own.likeliest();
  own.maybe(fresh);
  device.engine()->account().change_password(
      old, fresh, [this, &device, &own, fresh](const Result<client::Token>& token) {
        trace_.line(device.who().name, token ? "has " + fresh : token.error().to_string());
        if (!token) return;
        own.right(fresh);
        device.keep_token(token->value);
      });
}

void World::delete_account(Device& device) {
  trace_.line(device.who().name, "deletes its account");
  device.engine()->account().delete_account(
      device.account()->likeliest(), [this, &device](const Status& s) {
        trace_.line(device.who().name, s ? "has no account" : s.error().to_string());
      });
}

void World::set_password(Device& of, const std::string& fresh) {
  server::ServerCore* core = home_of(of.who().user).core();
  if (core == nullptr) return;
  trace_.line("operator", "sets " + fresh + " for " + of.who().name);
  Credentials& own = *of.account();
  own.maybe(fresh);
  core->set_password(of.who().user, fresh, [&own, fresh](const Status& set) {
    if (set) own.right(fresh);
  });
}

void World::remove_account(const UserId& user) {
  server::ServerCore* core = home_of(user).core();
  if (core == nullptr) return;
  trace_.line("operator", "deletes an account");
  core->delete_account(user, [](const Status&) {});
}

bool World::engines_settled(std::string* why) const {
  for (std::uint32_t i = 0; i < truth_.disks.count(); ++i) {
    const server::Position applied = truth_.store(i).applied;
    const auto logged = logged_at_.find(i);
    // A record that changes nothing need not move the store's position: hence the limit.
    const bool may_wait = logged == logged_at_.end() || now() - logged->second >= kApplyLimitMs;
    if (applied < truth_.disks.log(i).last && !may_wait) {
      *why = "a store is behind its log";
      return false;
    }
    const auto complete = truth_.index.complete.find(i);
    // In a cluster a batch may land of which no owner hears.
    const bool unheard = servers_.front()->elsewhere.make &&
                         (logged == logged_at_.end() || now() - logged->second >= kIndexLimitMs);
    if (applied > 0 && !unheard &&
        (complete == truth_.index.complete.end() || complete->second < applied)) {
      *why = "the search index is behind a store";
      return false;
    }
  }
  return true;
}

bool World::settled(std::string* why) {
  if (!engines_settled(why)) return false;
  for (const auto& [id, account] : disks_.directory->accounts) {
    if (account.life != server::DirectoryMemory::Account::Life::kLeaving) continue;
    *why = "somebody whose account was deleted has not left everything";
    return false;
  }
  for (auto& device : devices_) {
    client::Engine* engine = device->engine();
    const std::string& name = device->who().name;
    if (truth_.gone(device->who().user)) continue;
    if (engine == nullptr ||
        engine->connection().status().state() != client::ConnectionState::kOnline) {
      *why = name + " is not online";
      return false;
    }
    if (!engine->outbox().idle()) {
      *why = name + " has unsent messages";
      return false;
    }
    const UserId& user = device->who().user;
    if (!engine->history().unacknowledged().empty()) {
      *why = name + " has not dealt with everything";
      return false;
    }
    *why = name + ": " + difference_of(disks_.directory->accounts.at(user).user, *engine);
    if (*why != name + ": ") return false;
    for (const ConversationId& id : truth_.conversations_of(user)) {
      const std::string difference =
          difference_of(truth_.store_of(id), user, id, *engine, !hid_reads_.contains(user));
      if (difference.empty()) continue;
      *why = name + " conversation " + id.to_string() + ": " + difference;
      return false;
    }
  }
  return true;
}

void World::check_at_rest() {
  for (auto& checker : checkers_) checker->at_rest();
}

// --- what is seen ---

std::size_t World::add_stranger(const std::string& handle) {
  const std::size_t number = kFirstStranger + strangers_.size();
  strangers_[number] = {number, UserId::of(handle), handle};
  return number;
}

void World::connects(std::size_t device) {
  if (strangers_.contains(device)) return;
  attempts_.push_back({device, time_.now()});
  for (auto& checker : checkers_) checker->connects(who_.at(device));
}

void World::falls_silent(std::size_t device) {
  for (auto& checker : checkers_) checker->falls_silent(who_.at(device));
}

void World::server_says(std::size_t device, std::string_view bytes) {
  bytes_ += bytes.size();
  if (overheard_) overheard_(device, bytes);
  const auto frame = decode_server_frame(bytes);
  if (!frame) return findings_.broken(0, "the server sends what is no frame");
  const auto stranger = strangers_.find(device);
  const Who& who = stranger != strangers_.end() ? stranger->second : who_.at(device);
  for (auto& checker : checkers_) checker->answered(who, *frame);
  if (stranger != strangers_.end()) return;
  const bool searched = searches_.erase({device, frame->reply_to()}) != 0;
  if (!searched) overloaded_ += refused_as_overloaded(*frame);  // a search may take too long
  trace_.line("server", "to d" + std::to_string(device) + " " + describe(*frame));
  if (!restored_) refusals_.server_says(device, *frame);
  for (auto& checker : checkers_) checker->server_says(who_.at(device), *frame);
}

std::string World::tell_why(Rule how, std::size_t device, std::string_view bytes) const {
  auto frame = decode_server_frame(bytes);
  if (!frame || frame->error().code() != v1::ERROR_CODE_PERMISSION_DENIED)
    return std::string(bytes);
  v1::Error& error = *frame->mutable_error();
  for (const std::string& user : error.users()) {
    const auto other = truth_.directory.accounts.find(UserId::from_bytes(user).value());
    if (other == truth_.directory.accounts.end()) continue;
    const auto& [contacts, blocked] =
        std::pair(other->second.user.privacy.group_adds == server::Audience::kContacts,
                  server::consent_of(other->second.user, who_.at(device).user).blocked);
    if (how == Rule::kContactsAreSilent ? !contacts : !blocked) continue;
    if (how == Rule::kBlockIsNobody) {
      error.set_code(v1::ERROR_CODE_NOT_FOUND);
    } else {
      error.set_detail(error.detail() + (blocked ? " (you are blocked)" : " (contacts only)"));
    }
    return frame->SerializeAsString();
  }
  return std::string(bytes);
}

void World::device_says(std::size_t device, std::string_view bytes) {
  bytes_ += bytes.size();
  const auto frame = decode_client_frame(bytes);
  if (!frame) return findings_.broken(0, "a client sends what is no frame");
  if (strangers_.contains(device)) return;
  trace_.line("d" + std::to_string(device), "says " + describe(*frame));
  if (!restored_) refusals_.asks(device, *frame);
  if (frame->has_search()) searches_.emplace(device, frame->req_id());
  for (auto& checker : checkers_) checker->asks(who_.at(device), *frame);
}

void World::server_hears(std::size_t device, std::string_view bytes) {
  const auto frame = decode_client_frame(bytes);
  if (!frame) return;
  const auto stranger = strangers_.find(device);
  const Who& who = stranger != strangers_.end() ? stranger->second : who_.at(device);
  for (auto& checker : checkers_) checker->hears(who, *frame);
}

void World::started(const server::Home& home, const server::ServerOptions& options) {
  const Budget budget{options.account_commands_per_s, options.account_commands_burst, home};
  for (auto& checker : checkers_) checker->server_starts(budget);
}

void World::published(const DeviceId& to, const std::string& bytes) {
  const auto frame = decode_server_frame(bytes);
  if (!frame) return;
  for (auto& device : devices_) {
    if (device->disk().device != to) continue;
    for (auto& checker : checkers_) checker->published(device->who(), *frame);
  }
}

void World::logged(std::uint32_t partition, const server::LogEntry& entry) {
  logged_at_[partition] = now();
  trace_.line(part_name("log", partition), describe(entry));
  for (auto& checker : checkers_) checker->logged(partition, entry);
}

void World::applied(std::uint32_t partition, const server::StoreBatch& batch) {
  trace_.line(part_name("store", partition), "applied up to " + std::to_string(batch.position) +
                                                 ", " + std::to_string(batch.events.size()) +
                                                 " events");
  for (auto& checker : checkers_) checker->applied(partition, batch);
}

void World::indexed(const server::IndexBatch& batch) {
  trace_.line(part_name("index", batch.partition), "gets " + std::to_string(batch.messages.size()) +
                                                       " messages, complete up to " +
                                                       std::to_string(batch.complete));
  for (auto& checker : checkers_) checker->indexed(batch);
}

void World::of_session(const server::SessionRef& session,
                       void (Checker::*hook)(const Who&, std::uint64_t), const char* what) {
  for (auto& device : devices_) {
    if (device->disk().device != session.device) continue;
    trace_.line("registry", device->who().name + " " + what);
    for (auto& checker : checkers_) ((*checker).*hook)(device->who(), session.session);
  }
}

void World::session_enters(const server::SessionRef& session) {
  of_session(session, &Checker::enters, "is added");
}

void World::session_entered(const server::SessionRef& session) {
  of_session(session, &Checker::entered, "is there");
}

void World::session_left(const server::SessionRef& session) {
  of_session(session, &Checker::left, "is removed");
}

void World::sessions_lost(const server::Home& home) {
  for (auto& checker : checkers_) checker->registry_lost(home);
}

void World::bus_lost(const server::Home& home) {
  trace_.line("bus", "says that it has lost something");
  for (auto& checker : checkers_) checker->bus_lost(home);
}

void World::user_changed(const UserId& user) {
  trace_.line("directory", "changed " + disks_.directory->accounts.at(user).user.handle);
  if (!disks_.directory->accounts.at(user).user.privacy.receipts) hid_reads_.insert(user);
  if (steps_after_change_ >= 0) crash_server_after(std::exchange(steps_after_change_, -1));
  for (auto& checker : checkers_) checker->user_changed(user);
}

void World::user_removed(const UserId& user) {
  trace_.line("directory", "removed " + user.to_string());
  for (auto& checker : checkers_) checker->user_removed(user);
}

void World::cached(const Who& who, const client::CacheChange& change) {
  if (change.forget_history) {
    if (!restored_) findings_.broken(35, who.name + " forgets the history that the server has");
    of_old_.erase(who.device);
    for (auto& checker : checkers_) checker->forgot_history(who);
  }
  if (of_old_.contains(who.device)) return refused_before(who, change);
  for (auto& checker : checkers_) checker->cached(who, change);
}

// An answer of the lost history may still have been on its way.
void World::refused_before(const Who& who, const client::CacheChange& change) {
  for (const client::OutboxRow& row : change.outbox_put) {
    if (!row.failed || !refusals_.contains(who.device, row.id)) continue;
    for (auto& checker : checkers_) checker->refused(row.id);
  }
}

void World::told(const Who& who, const client::Event& event) {
  if (const auto* state = std::get_if<client::ConnectionChanged>(&event)) {
    trace_.line(who.name, "connection is " + std::to_string(static_cast<int>(state->state)) + " " +
                              state->reason.message);
  }
  if (of_old_.contains(who.device)) return;
  for (auto& checker : checkers_) checker->told(who, event);
}

void World::dealt_with(const Who& who, const client::Message& message) {
  for (auto& checker : checkers_) {
    checker->dealt_with(who, message.conversation, message.seq.value);
  }
}

void World::rolled_back(const Who& who) {
  if (restored_) of_old_.insert(who.device);  // until it says otherwise
  for (auto& checker : checkers_) checker->rolled_back(who);
}

}  // namespace kith::sim
