// Users: a bounded cache of user records with one load at a time per user.
#include "server/users/users.h"
#include "src/guard.h"

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kith::server {

namespace {

std::size_t bytes_of(const Users::Record& record) {
  if (record == nullptr) return 0;
  return sizeof(UserRecord) + record->handle.size() + record->display_name.size() +
         (record->contacts.size() + record->blocked.size()) * UserId::kSize;
}

}  // namespace

struct Users::State {
  State(Directory& d, CacheBounds bounds, const Home& h)
      : directory(d), home(h), records(bounds, bytes_of) {}

  // Null: there is nobody any more.
  Record put(const UserId& id, Record shared) {
    if (home.has(id)) records.put(id, shared);
    return shared;
  }
  Record put(UserRecord record) {
    const UserId id = record.id;
    return put(id, std::make_shared<const UserRecord>(std::move(record)));
  }

  Directory& directory;
  const Home home;
  WeighedCache<UserId, Record> records;
  std::unordered_map<UserId, std::vector<Done<Record>>> loading;
  Guard guard;
};

Users::Users(Directory& directory, CacheBounds bounds, const Home& home)
    : state_(std::make_unique<State>(directory, bounds, home)) {}
Users::~Users() = default;

void Users::with(const UserId& id, Done<Record> done) {
  if (const Record* found = state_->records.find(id)) {
    done(Record(*found));
    return;
  }
  if (!state_->home.has(id)) return read_through(id, std::move(done));
  auto& waiting = state_->loading[id];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  state_->directory.load(
      id, state_->guard.wrap([state = state_.get(), id](Result<std::optional<UserRecord>> loaded) {
        auto callbacks = std::move(state->loading[id]);
        state->loading.erase(id);
        Result<Record> answer = Record{};
        if (!loaded) {
          answer = loaded.error();
        } else if (const Record* found = state->records.find(id)) {
          answer = *found;  // an update was faster: it is newer
        } else if (*loaded) {
          answer = state->put(std::move(**loaded));
        }
        for (auto& callback : callbacks) callback(answer);
      }));
}

void Users::read_through(const UserId& id, Done<Record> done) {
  state_->directory.load(
      id, state_->guard.wrap([done = std::move(done)](Result<std::optional<UserRecord>> loaded) {
        if (!loaded) return done(loaded.error());
        if (!*loaded) return done(Record{});
        done(std::make_shared<const UserRecord>(std::move(**loaded)));
      }));
}

const UserRecord* Users::cached(const UserId& id) const {
  const Record* found = state_->records.peek(id);
  return found == nullptr ? nullptr : found->get();
}

void Users::consents(const std::vector<UserId>& ids, const UserId& asker,
                     Done<std::vector<Consent>> done) {
  std::vector<Consent> known;
  std::vector<UserId> others;
  for (const UserId& id : ids) {
    const Record* found = state_->records.find(id);
    if (found == nullptr) {
      others.push_back(id);
    } else if (*found != nullptr) {
      known.push_back(consent_of(**found, asker));
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
  state_->directory.update(id, change,
                           state_->guard.wrap([state = state_.get(),
                                               done = std::move(done)](Result<UserRecord> updated) {
                             if (!updated) {
                               done(updated.error());
                               return;
                             }
                             done(state->put(std::move(*updated)));
                           }));
}

void Users::remove(const UserId& id, Done<void> done) {
  state_->directory.remove(id, state_->guard.wrap([state = state_.get(), id,
                                                   done = std::move(done)](const Status& removed) {
    if (removed) state->put(id, nullptr);
    done(removed);
  }));
}

void Users::find_or_create(const NewUser& user, const DeviceRecord& device,
                           Done<WithDevices> done) {
  const UserId id = UserId::of(user.handle);
  if (const Record* found = state_->records.find(id)) {
    if (const Record record = *found; record == nullptr) {
      done(make_error(ErrorCode::kRevoked, "the account was deleted"));
    } else {
      done(WithDevices{record, nullptr});
    }
    return;
  }
  state_->directory.admit(
      user, device,
      state_->guard.wrap([state = state_.get(), id,
                          done = std::move(done)](Result<SignInRecord> signed_in) {
        if (!signed_in) {
          done(signed_in.error());
          return;
        }
        const Record* found = state->records.find(id);  // an update was faster: it is newer
        const Record record = found != nullptr ? *found : state->put(std::move(signed_in->user));
        if (record == nullptr) {
          done(make_error(ErrorCode::kRevoked, "the account was deleted"));
          return;
        }
        done(WithDevices{record, std::make_shared<const std::vector<DeviceRecord>>(
                                     std::move(signed_in->devices))});
      }));
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
