// Opening accounts: tokens, directories, and possible errors.
#include "guide.h"

namespace guide {

// [guide_token]
// Asks the application's back end, which knows who is signed in and signs a token.
kc::TokenProvider token_from(BackEnd& back_end) {
  return [&back_end](std::function<void(kith::Result<std::string>)> done) {
    back_end.fetch("/chat-token", [done = std::move(done)](int status, const std::string& body) {
      if (status == 200) {
        done(body);
      } else if (status == 401) {  // for good: the client stops and says kSignedOut
        done(kith::make_error(kith::ErrorCode::kUnauthenticated, "signed out of the application"));
      } else {  // for now: asked again with back-off
        done(kith::make_error(kith::ErrorCode::kUnavailable, "the back end does not answer"));
      }
    });
  };
}
// [/guide_token]

// [guide_open]
kith::Result<std::unique_ptr<kc::Client>> open_account(const std::string& url,
                                                       const std::string& handle,
                                                       const std::string& data_dir,
                                                       kc::TokenProvider token) {
  kc::ClientOptions options;
  options.url = url;  // wss://chat.example.com/v1/ws
  options.handle = handle;
  options.cache_dir = data_dir + "/" + handle;  // one directory for each account
  options.token = std::move(token);
  auto client = kc::Client::open(std::move(options));  // reads the cache, touches no network
  if (client) (*client)->connect();                    // stays connected from now on
  return client;
}
// [/guide_open]

// [guide_password]
// A token from the server's own accounts, for the device in options.cache_dir.
kith::Result<std::string> account_token(const kc::ClientOptions& options,
                                        const std::string& password) {
  auto token = kc::Client::register_account(options, password);
  if (!token && token.error().code == kith::ErrorCode::kAlreadyExists)
    token = kc::Client::sign_in(options, password);
  if (!token) return token.error();
  return token->value;  // keep it where the platform keeps secrets; token->expires says how long
}
// [/guide_password]

// [guide_accounts]
std::vector<std::unique_ptr<kc::Client>> open_all(const std::vector<std::string>& handles,
                                                  kc::ClientOptions options) {
  const std::string data_dir = options.cache_dir;
  options.runtime = kc::Runtime::make();  // one network thread for all
  std::vector<std::unique_ptr<kc::Client>> clients;
  for (const std::string& handle : handles) {
    options.handle = handle;
    options.cache_dir = data_dir + "/" + handle;
    if (auto client = kc::Client::open(options)) clients.push_back(std::move(*client));
  }
  return clients;
}
// [/guide_accounts]

// [guide_trouble]
kith::Result<std::unique_ptr<kc::Client>> open_or_say_why(const kc::ClientOptions& options,
                                                          Screen& screen) {
  auto client = kc::Client::open(options);
  if (client) return client;  // a corrupt cache was set aside: CacheRecovered is the first event
  switch (client.error().code) {
    case kith::ErrorCode::kAlreadyOpen:
      screen.say("This account is open in another window.");
      break;
    case kith::ErrorCode::kCacheTooNew:
      screen.say("A newer version was used here. Please update.");
      break;
    case kith::ErrorCode::kDiskFull:
      screen.say("The disk is full. Nothing was lost; free some space and try again.");
      break;
    case kith::ErrorCode::kCacheCorrupt:  // outbox.db: messages that nobody else has
      screen.say("Messages that wait to be sent cannot be read. They are left untouched.");
      break;
    default:
      screen.say(client.error().to_string());
  }
  return client;
}
// [/guide_trouble]

}  // namespace guide
