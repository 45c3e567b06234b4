// Embedding the server.
#include "guide.h"

namespace guide {
namespace {

// [guide_authenticator]
// Lets in who is signed in to the application: the token is its session cookie.
class HostSessions : public ks::Authenticator {
 public:
  explicit HostSessions(std::shared_ptr<const Sessions> sessions)
      : sessions_(std::move(sessions)) {}
  void authenticate(std::string_view token, kith::Done<ks::Identity> done) override {
    const auto session = sessions_->find(token);  // in memory: this call must not block
    if (!session)
      return done(kith::make_error(kith::ErrorCode::kUnauthenticated, "nobody has this session"));
    done(*session);  // may also be called later, from any thread
  }

 private:
  std::shared_ptr<const Sessions> sessions_;
};
// [/guide_authenticator]

}  // namespace

std::shared_ptr<ks::Authenticator> host_sessions(std::shared_ptr<const Sessions> sessions) {
  return std::make_shared<HostSessions>(std::move(sessions));
}

// [guide_server]
kith::Result<std::unique_ptr<ks::Server>> start_messenger(
    const std::string& data_dir, std::shared_ptr<ks::Authenticator> authenticator) {
  ks::ServerOptions options;
  options.listen_address = "127.0.0.1";  // behind a TLS proxy; see "TLS"
  options.port = 0;                      // any free one; Server::url() tells which
  options.data_dir = data_dir;
  options.authenticator = std::move(authenticator);
  options.log = [](const ks::LogLine& line) {
    if (line.level <= ks::LogLevel::kWarning)
      std::fprintf(stderr, "kith: %s\n", ks::to_string(line).c_str());
  };
  return ks::Server::start(std::move(options));
}
// [/guide_server]

// [guide_jwt]
std::string token_for(const std::string& secret, const std::string& handle) {
  ks::Identity identity;
  identity.handle = handle;
  identity.issued_ms = kith::system_clock().wall().ms;
  identity.expires_ms = identity.issued_ms + 3'600'000;  // an hour
  return ks::make_jwt(secret, identity);
}
// [/guide_jwt]

// [guide_revoke]
kith::Status ban(ks::Server& server, const std::string& handle) {
  // Refuse the person in the authenticator first; then end what is open.
  return server.revoke(kith::UserId::of(handle));
}
// [/guide_revoke]

// [guide_forget]
kith::Status forget(ks::Server& server, const std::string& handle) {
  return server.delete_account(kith::UserId::of(handle));
}
// [/guide_forget]

// [guide_reload]
// From here on tokens of both secrets are good; leave `earlier` empty when its last token has ended.
kith::Status change_secret(ks::Server& server, ks::ServerOptions options, const std::string& fresh,
                           const std::string& earlier) {
  ks::JwtOptions tokens;
  tokens.secret = fresh;
  tokens.previous_secret = earlier;
  auto authenticator = ks::jwt_authenticator(tokens);
  if (!authenticator) return authenticator.error();
  options.authenticator = std::move(*authenticator);
  return server.reload(std::move(options));  // the options that it was started with
}
// [/guide_reload]

// [guide_drain]
void shut_down(ks::Server& server) {
  server.drain(std::chrono::seconds(10));  // goodbyes spread over ten seconds
  server.stop();
}
// [/guide_drain]

// [guide_stats]
std::string health(const ks::Server& server) {
  const auto stats = server.stats();
  return std::to_string(stats.at("sessions")) + " sessions, " +
         std::to_string(stats.at("messages_placed")) + " messages, the store is " +
         std::to_string(stats.at("apply_lag")) + " records behind";
}
// [/guide_stats]

}  // namespace guide
