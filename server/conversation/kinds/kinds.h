// The kinds of command: what each does to a conversation, in a file of its own. A kind that somebody
// adds to LogRecord::op and forgets here does not compile.
#pragma once

#include "server/conversation/decision.h"

namespace kith::server {

void apply(Decision& decision, const SendOp& op);        // message.cc
void apply(Decision& decision, const CreateOp& op);      // create.cc
void apply(Decision& decision, const MembershipOp& op);  // membership.cc
void apply(Decision& decision, const MetaOp& op);        // title.cc
void apply(Decision& decision, const ReceiptOp& op);     // receipt.cc
void apply(Decision& decision, const BlockOp& op);       // block.cc
// A mark of a user and a change of owners are no records of a conversation.
inline void apply(Decision& decision, const UserMarkOp&) {
  decision.refuse(ErrorCode::kInternal, "the record belongs to no conversation");
}
inline void apply(Decision& decision, const TakeOverOp&) {
  decision.refuse(ErrorCode::kInternal, "the record belongs to no conversation");
}

// Whether a command takes a place in the order, once, however often it is repeated.
constexpr bool takes_place(const ReceiptOp&) {
  return false;
}
constexpr bool takes_place(const BlockOp&) {
  return false;
}
constexpr bool takes_place(const UserMarkOp&) {
  return false;
}
constexpr bool takes_place(const TakeOverOp&) {
  return false;
}
template <class Op>
constexpr bool takes_place(const Op&) {
  return true;
}

}  // namespace kith::server
