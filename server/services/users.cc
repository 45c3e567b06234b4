// Users: a bounded cache of user records with one load at a time per user.
#include "server/services/users.h"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "server/services/id_map.h"

namespace kith::server {

namespace {

// As many records as there may be, of the usual kind.
constexpr std::size_t kBytesMax = limits::users_cached_max * 1024;

std::size_t bytes_of(const Users::Record& record) {
  if (record == nullptr) return 0;
  return sizeof(UserRecord) + record->handle.size() + record->display_name.size() +
         (record->contacts.size() + record->blocked.size()) * UserId::kSize;
}

}  // namespace

struct Users::State {
  explicit State(Directory& d) : directory(d) {}

  Record put(UserRecord record) {
    const UserId id = record.id;
    return put(id, std::make_shared<const UserRecord>(std::move(record)));
  }
  // Null: there is nobody any more.
  Record put(const UserId& id, Record shared) {
    const auto [known, fresh] = records.try_emplace(id, shared);
    if (!fresh) {
      bytes -= bytes_of(known->second);
      known.value() = shared;
    } else {
      kept.push_back(id);
    }
    bytes += bytes_of(shared);
    // Who came first makes place, and is loaded again when asked for.
    while ((kept.size() > limits::users_cached_max || bytes > kBytesMax) && kept.front() != id) {
      const auto old = records.find(kept.front());
      bytes -= bytes_of(old->second);
      records.erase(kept.front());
      kept.pop_front();
    }
    return shared;
  }

  Directory& directory;
  IdMap<UserId, Record> records;
  std::deque<UserId> kept;  // those in `records`, in the order they came
  std::size_t bytes = 0;    // of `records`, about
  std::unordered_map<UserId, std::vector<Done<Record>>> loading;
};

Users::Users(Directory& directory) : state_(std::make_shared<State>(directory)) {}
Users::~Users() = default;

void Users::with(const UserId& id, Done<Record> done) {
  if (const auto found = state_->records.find(id); found != state_->records.end()) {
    done(found->second);
    return;
  }
  auto& waiting = state_->loading[id];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  state_->directory.load(
      id, [weak = std::weak_ptr(state_), id](Result<std::optional<UserRecord>> loaded) {
        const auto state = weak.lock();
        if (!state) return;
        auto callbacks = std::move(state->loading[id]);
        state->loading.erase(id);
        Result<Record> answer = Record{};
        if (!loaded) {
          answer = loaded.error();
        } else if (const auto found = state->records.find(id); found != state->records.end()) {
          answer = found->second;  // an update was faster: it is newer
        } else if (*loaded) {
          answer = state->put(std::move(**loaded));
        }
        for (auto& callback : callbacks) callback(answer);
      });
}

const UserRecord* Users::at_hand(const UserId& id) const {
  const auto found = state_->records.find(id);
  return found == state_->records.end() ? nullptr : found->second.get();
}

void Users::consents(const std::vector<UserId>& ids, const UserId& asker,
                     Done<std::vector<Consent>> done) {
  std::vector<Consent> known;
  std::vector<UserId> others;
  for (const UserId& id : ids) {
    const auto found = state_->records.find(id);
    if (found == state_->records.end()) {
      others.push_back(id);
    } else if (found->second != nullptr) {
      known.push_back(consent_of(*found->second, asker));
    }
  }
  if (others.empty()) return done(std::move(known));
  state_->directory.consents(
      others, asker,
      [known = std::move(known),
       done = std::move(done)](Result<std::vector<Consent>> read) mutable {
        if (!read) return done(read.error());
        known.insert(known.end(), read->begin(), read->end());
        std::sort(known.begin(), known.end(),
                  [](const Consent& a, const Consent& b) { return a.user < b.user; });
        done(std::move(known));
      });
}

void Users::update(const UserId& id, const UserChange& change, Done<Record> done) {
  state_->directory.update(
      id, change,
      [weak = std::weak_ptr(state_), done = std::move(done)](Result<UserRecord> updated) {
        const auto state = weak.lock();
        if (!state) return;
        if (!updated) {
          done(updated.error());
          return;
        }
        done(state->put(std::move(*updated)));
      });
}

void Users::remove(const UserId& id, Done<void> done) {
  state_->directory.remove(
      id, [weak = std::weak_ptr(state_), id, done = std::move(done)](const Status& removed) {
        const auto state = weak.lock();
        if (!state) return;
        if (removed) state->put(id, nullptr);
        done(removed);
      });
}

void Users::ensure(const NewUser& user, const DeviceRecord& device, Done<Arrived> done) {
  const UserId id = UserId::of(user.handle);
  if (const auto found = state_->records.find(id); found != state_->records.end()) {
    if (found->second == nullptr) {
      done(make_error(ErrorCode::kRevoked, "the account was deleted"));
    } else {
      done(Arrived{found->second, nullptr});
    }
    return;
  }
  state_->directory.admit(
      user, device,
      [weak = std::weak_ptr(state_), id, done = std::move(done)](Result<Arrival> arrival) {
        const auto state = weak.lock();
        if (!state) return;
        if (!arrival) {
          done(arrival.error());
          return;
        }
        const auto found = state->records.find(id);  // an update was faster: it is newer
        const Record record =
            found != state->records.end() ? found->second : state->put(std::move(arrival->user));
        if (record == nullptr) {
          done(make_error(ErrorCode::kRevoked, "the account was deleted"));
          return;
        }
        done(Arrived{record, std::make_shared<const std::vector<DeviceRecord>>(
                                 std::move(arrival->devices))});
      });
}

bool audience_allows(Audience audience, const UserRecord& target, const UserId& viewer) {
  if (target.id == viewer) return true;
  if (std::binary_search(target.blocked.begin(), target.blocked.end(), viewer)) return false;
  switch (audience) {
    case Audience::kEveryone:
      return true;
    case Audience::kContacts:
      return std::binary_search(target.contacts.begin(), target.contacts.end(), viewer);
    case Audience::kNobody:
      return false;
  }
  return false;
}

}  // namespace kith::server
