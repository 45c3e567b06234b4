// A client process: holds real Kith clients and carries out the requests on its standard input. It
// may be killed at any moment; its clients' promises must hold then.
//
//   request   N VERB HANDLE DEVICE ...      answer   N ok ... | N error SENTENCE
//   register                                         the account exists and this device has a token
//   open                                             the client runs and is up to date
//   close
//   cut MS                                           disconnected, and connected again after MS
//   group TITLE HANDLE...                            ok CONVERSATION
//   send CONVERSATION REPLY_ID TEXT                  ok ID MICROSECONDS (just before the call)
//   own CONVERSATION                                 ok (ID SEQ TEXT)..., its newest messages, when
//                                                    its outbox is empty
//   search CONVERSATION (WORD LEAST MOST)...         ok COUNT..., messages found, the server asked
//                                                    too; again if not from LEAST to MOST
//   check (CONVERSATION FINGERPRINT)...              ok (1|0)...: whether the cache, offline, holds
//                                                    just that
//   rows CONVERSATION                                ok (ID SENDER REPLY_SEQ TEXT)... of the cache
// On its own:  0 sent ID SEQ MICROSECONDS | 0 got ID MICROSECONDS | 0 failed ID
#pragma once

#include <string>

namespace replay {

int run_worker(const std::string& url, const std::string& ca_file, const std::string& dir);

}  // namespace replay
