// Rules that a run may break on purpose, to prove that the checkers bite. Nothing of it is compiled
// into the product: each is broken at a port, from outside.
#pragma once

#include <cstdint>

namespace kith::sim {

enum class Rule : std::uint8_t {
  kNone,
  // server
  kDurableBeforeSent,     // the log says that records are durable, and loses some
  kStoreKeepsRows,        // the store loses a row of a batch
  kGaplessSeq,            // a seq is skipped after a restart
  kDedupe,                // the store does not find earlier commands again
  kBodyIsFinal,           // a record reads differently after a restart
  kWatermarksOnlyGrow,    // the store sets marks back
  kTimeOnlyGrows,         // the last time of a conversation is forgotten at a restart
  kReceiptsPrivate,       // everybody's receipts count as on
  kPresencePrivate,       // nobody counts as blocked or hidden
  kConsent,               // consent to membership is not checked
  kBlockIsNobody,         // a blocked person gets the answer that there is no such user
  kBlockIsSilent,         // … or the answer shows that it is a block
  kBlockLogged,           // the conversation hears nothing of a block when it is set
  kBlockAsked,            // … or when a process ended before that, and the next one asks
  kRedacted,              // everybody is pushed what others read
  kContactsAreSilent,     // a refusal shows that contacts are allowed
  kIdTellsType,           // a group is created under the id of a 1:1
  kJoinSeq,               // members see events from before their joining
  kUnreadDerived,         // the store miscounts read messages
  kReplayChangesNothing,  // a replayed record is taken for a new one
  kFeedComplete,          // a change is missing in a user's sync
  kMarksBeforeRows,       // rows are stored before the marks of what they hold
  kVersionsAscend,        // each run of the server gives out the same versions again
  kRunsTold,              // the server takes every device's history for its own
  kIndexComplete,         // the search index loses a message
  kLeftViewStays,         // a former member's view is the present one after a restart
  kWithheldCount,         // after a restart a blocked person's messages have not counted
  kPrivateReading,        // receipts are logged as shared, whatever their reader wants
  kDevicesPrivate,        // pushes show the device that sent an event
  kIndexOnce,             // a batch for the index has a message twice
  kIndexBeginsAnew,       // an index that was begun anew keeps its marks
  kEveryRequestAnswered,  // an answer is lost on its way to the socket
  kPasswordEndsTokens,  // the revocations of a new password are lost when the account is read again
  kDeparturesGoOn,      // unfinished departures are lost at a restart
  kBudgetOutlives,      // a connection brings a new budget with it
  kBudgetIsOnes,        // several people share one budget
  kAddBeforeWelcome,    // the registry says that it has a session before it has it
  kLossBelieved,        // the gateway does not hear what the bus has lost
  kRegistryBelieved,    // … or that the registry has lost its sessions
  kDeletedIsTold,       // a profile does not say that its account has gone
  // several partitions
  kPartitionCount,  // a later process has one partition less, and looks for conversations elsewhere
  kPartitionOrder,  // … or has the same partitions in another order
  kMarksOfEach,     // rows of one partition are stored before their marks, those of others are not
  kPositionsOfOwn,  // a store says that it has what another one has
  kTrimOfOwn,       // what one store has is removed from all logs
  kUserMarksOfAll,  // users' marks in other logs than the first are lost at a restart
  kIndexOfEach,     // one position says how far the index is, in all partitions
  kRunsCountAllLogs,  // a run begins behind the records of the first log alone
  // client
  kOutboxDurable,       // send() answers before the row is written
  kRangesHonest,        // an event is not written, but counted as held
  kAcknowledgesByHand,  // cached messages are acknowledged before the application has processed them
  kHandMarksKept,       // unprocessed messages are lost at a crash
  kCursorBehindData,    // the cursor is written before the data
  kResyncObeyed,        // a device does not sync when pushes may be missing
  kReconnectsSpread,    // all devices draw the same chances
};

}  // namespace kith::sim
