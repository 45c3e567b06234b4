// FrontWire: the connection of a partition to a front of the server, as the partition sees it.
#pragma once

#include <cstdint>
#include <utility>

#include "server/link/lane.h"
#include "server/link/owner_link.h"
#include "src/guard.h"

namespace kith::server {

// On the loop of the partition.
class FrontWire {
 public:
  // See FrontLink::connected().
  void connect(OwnerLink& link, std::uint64_t number, Lane& lane) {
    link_ = &link;
    lane_ = &lane;
    connection_ = number;
  }
  void disconnect() { link_ = nullptr; }
  [[nodiscard]] bool open() const { return link_ != nullptr; }

  // Posts call(link) to an open wire. It runs if the front has not ended the connection by then.
  template <class Call>
  void post(Call call) {
    lane_->post([link = link_, number = connection_, call = std::move(call)]() mutable {
      if (link->is_current(number)) call(*link);
    });
  }
  // Returns a callback for an answer of the partition: it posts take(link, answer), if this connection still stands.
  // A store may answer when the partition has ended.
  template <class Answer, class Take>
  auto answer(Take take) {
    return guard_.wrap(
        [this, link = link_, number = connection_, take = std::move(take)](Answer answer) {
          if (link_ == nullptr || link_ != link || connection_ != number) return;
          post([take, answer = std::move(answer)](OwnerLink& to) mutable {
            take(to, std::move(answer));
          });
        });
  }

 private:
  OwnerLink* link_ = nullptr;  // null: none is connected
  Lane* lane_ = nullptr;
  std::uint64_t connection_ = 0;  // its number
  Guard guard_;
};

}  // namespace kith::server
