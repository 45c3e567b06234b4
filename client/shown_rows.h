// ShownRows: stored rows as an application sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "client/cache_store.h"
#include "kith/client/types.h"

namespace kith::client {

class Model;

class ShownRows {
 public:
  ShownRows(const Model& model, CacheStore& store) : model_(model), store_(store) {}

  // The newest message of a conversation that is still in the outbox, or null.
  using Waiting = std::function<const OutboxRow*(const ConversationId&)>;
  void set_waiting(Waiting waiting) { waiting_ = std::move(waiting); }

  [[nodiscard]] Message message_of(const StoredEvent& stored) const;
  [[nodiscard]] Message message_of(const OutboxRow& row) const;
  // False for events that are withheld from this reader: they only keep the numbering gapless.
  static bool is_shown(const Message& m) {
    return m.kind != MessageKind::kUnknown || !m.text.empty();
  }
  // Events with seq in [from, before), the newest `limit`, ascending.
  [[nodiscard]] std::vector<Message> messages(const ConversationId& id, std::uint64_t from,
                                              std::uint64_t before, std::size_t limit) const;
  // Ascending messages of one conversation, with a row of kind kGap where some between them are
  // not here.
  [[nodiscard]] std::vector<Message> with_gaps(const ConversationId& id,
                                               std::vector<Message> rows) const;
  [[nodiscard]] Conversation conversation_of(const ConversationRecord& record) const;
  [[nodiscard]] std::string name_of(const UserId& user) const;

 private:
  // In the words about a change of a group a name that somebody chose never stands alone: it could be
  // anybody's.
  [[nodiscard]] std::string called(const UserId& user) const;
  [[nodiscard]] std::string membership_text(const UserId& sender, const std::string& bytes) const;
  [[nodiscard]] MessageId message_at(const ConversationId& id, Seq seq) const;

  const Model& model_;
  CacheStore& store_;
  Waiting waiting_;
};

}  // namespace kith::client
