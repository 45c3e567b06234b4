// ChatQuestions: what is asked, and the lines of the answers.
#include "client/cli/chat_questions.h"

#include <algorithm>
#include <utility>

#include "client/cli/names.h"

namespace kith::cli {

client::Done<void> ChatQuestions::report(std::string done) const {
  return model_->back<void>([model = model_, done = std::move(done)](const Result<void>& answer) {
    if (answer) return model->set_news(done);
    model->set_news(model->why_refused(answer.error()));
  });
}

void ChatQuestions::with_people(const std::vector<std::string>& handles,
                                std::function<void(std::vector<UserId>)> then) {
  client_.find_users(handles,
                     model_->back<std::vector<client::Profile>>(
                         [model = model_, handles, then = std::move(then)](const auto& profiles) {
                           if (!profiles) return model->set_news(profiles.error().message);
                           std::vector<UserId> users;
                           std::string missing;
                           for (const std::string& handle : handles) {
                             users.push_back(UserId::of(handle));
                             const bool there =
                                 std::any_of(profiles->begin(), profiles->end(),
                                             [&](const auto& p) { return p.user == users.back(); });
                             if (!there) missing += (missing.empty() ? "" : ", ") + handle;
                           }
                           if (!missing.empty())
                             return model->set_news("Nobody is called " + missing + ".");
                           for (const std::string& handle : handles) model->learn(handle);
                           then(std::move(users));
                         }));
}

void ChatQuestions::show_members(const ConversationId& id, const std::string& title) {
  client_.members(
      id, model_->back<std::vector<client::Member>>([model = model_, title](const auto& members) {
        if (!members) return model->set_news(members.error().message);
        std::vector<std::string> lines;
        for (const client::Member& m : *members) {
          const char* role = m.role == MemberRole::kOwner   ? "  owner"
                             : m.role == MemberRole::kAdmin ? "  admin"
                                                            : "";
          lines.push_back(model->name(m.user) + role);
        }
        model->show_page(title + " · members", std::move(lines));
      }));
}

void ChatQuestions::show_readers(const ConversationId& id, Seq seq) {
  client_.readers(id, seq, model_->back<client::Readers>([model = model_](const auto& readers) {
    if (!readers) return model->set_news(readers.error().message);
    std::vector<std::string> lines;
    for (const client::Reader& r : readers->members) {
      lines.push_back(model->name(r.user) + (r.read ? "  ✓✓ read" : r.delivered ? "  ✓✓" : "  ✓"));
    }
    lines.push_back(std::to_string(readers->read_count) + " read, " +
                    std::to_string(readers->delivered_count) + " received it, of " +
                    std::to_string(readers->member_count) + " members with you");
    model->show_page("who has read it", std::move(lines));
  }));
}

void ChatQuestions::show_devices() {
  client_.devices(model_->back<std::vector<client::Device>>([model = model_](const auto& devices) {
    if (!devices) return model->set_news(devices.error().message);
    std::vector<std::string> lines;
    for (const client::Device& d : *devices) {
      lines.push_back(d.id.to_string());
      lines.push_back("  " + d.agent + ", " +
                      (d.current  ? "this device"
                       : d.online ? "online"
                                  : "signed in " + short_time(d.last_seen)));
    }
    lines.push_back("/revoke DEVICE signs one out, /revoke others all but this one.");
    model->show_page("devices", std::move(lines));
  }));
}

void ChatQuestions::show_people(const std::string& title, const std::vector<UserId>& users) {
  std::vector<std::string> lines;
  for (const UserId& user : users) lines.push_back(model_->name(user));
  if (lines.empty()) lines.emplace_back("nobody");
  model_->show_page(title, std::move(lines));
}

}  // namespace kith::cli
