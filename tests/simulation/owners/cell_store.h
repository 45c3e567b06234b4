// A store of cells that several processes write, each cell with a time stamp of its own: the newest
// wins, whatever the order of arrival. Writes may land long after their writer got an unknown
// outcome, and after it has ended.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "kith/server/ports/conversation_store.h"
#include "tests/simulation/owners/owner_rules.h"
#include "tests/simulation/owners/process.h"
#include "tests/simulation/seeded_random.h"

namespace kith::sim {

// The content of the replicas. Time stamps are positions in the log.
struct Cells {
  template <class T>
  struct Cell {
    server::Position at = 0;
    T value{};
  };
  Node* replicas = nullptr;
  SeededRandom* random = nullptr;
  OwnerRule broken = OwnerRule::kNone;
  bool calm = false;  // no faults any more
  std::map<std::pair<ConversationId, std::uint64_t>, Cell<server::Event>> events;
  std::map<std::tuple<ConversationId, UserId, MessageId>, Cell<server::Placement>> places;
  std::map<ConversationId, Cell<server::Head>> heads;
  std::map<std::pair<ConversationId, UserId>, Cell<server::Member>> members;
  Cell<server::StoredUpTo> row;
  std::function<void()> on_row;
  std::function<void()>
      on_batch;  // the first step of a batch is on its way  // the row was written

  template <class T>
  void put(Cell<T>& cell, server::Position at, const T& value) const {
    if (at < cell.at && broken != OwnerRule::kCellsByPosition) return;
    cell.at = at;
    cell.value = value;
  }
  [[nodiscard]] std::optional<server::Conversation> conversation(const ConversationId& id) const;
};

// One process' client of it.
class CellStore : public server::ConversationStore {
 public:
  CellStore(std::shared_ptr<Cells> cells, Process& process);
  // The process ends: writes under way may land later, or never.
  ~CellStore() override;

  Result<server::StoredUpTo> applied() override;
  void apply(std::shared_ptr<const server::StoreBatch> batch, Done<void> done) override;
  void load(const ConversationId& id, Done<std::optional<server::Conversation>> done) override;
  Result<std::vector<server::Conversation>> load_all(
      const std::vector<ConversationId>& ids) override;
  void find(const ConversationId& id, const UserId& sender, const MessageId& message,
            Done<std::optional<server::Placement>> done) override;
  void events(const server::EventQuery& query, Done<std::vector<server::Event>> done) override;
  void heads(const ConversationId& after, server::Position changed_after, std::size_t limit,
             Done<server::HeadsPage> done) override;

 private:
  using Write = std::function<void(Cells&)>;
  using Step = std::vector<Write>;
  struct Batch {
    std::vector<Step> steps;
    std::size_t next = 0;
    Done<void> done;
  };
  static std::vector<Step> steps_of(const server::StoreBatch& batch, OwnerRule broken);
  void write_next(const std::shared_ptr<Batch>& batch);
  // After a while, unless the process has ended.
  void later(std::function<void()> task);

  std::shared_ptr<Cells> cells_;
  Process& process_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<std::weak_ptr<bool>> under_way_;  // writes; false: lost
};

}  // namespace kith::sim
