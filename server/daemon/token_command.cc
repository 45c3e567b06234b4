// kithd token: makes a token as a host would.
#include "server/daemon/token_command.h"

#include <charconv>
#include <cstdint>
#include <cstdio>

#include "kith/core/random.h"
#include "kith/server/hooks.h"
#include "server/daemon/config.h"
#include "server/daemon/tool_flags.h"
#include "src/frame_codec.h"
#include "src/hash.h"
#include "src/secrets_posix.h"

namespace kith::server::daemon {
namespace {

constexpr std::string_view kUsage =
    R"(kithd token - a token of the host, for trying out

  kithd token --handle alice --token-secret-file FILE
  kithd token --config /etc/kithd.conf --handle alice --expires 15m

  --handle HANDLE           whose token
  --token-secret-file FILE  the secret of the host's tokens, as kithd has it; or
  --config FILE             kithd's settings: secret, audience and issuer are taken from there
  --name NAME               display name at the first sign-in
  --expires TIME            90s, 15m, 1h, 30d; default 1h
  --audience AUDIENCE       `aud` of the token
  --issuer ISSUER           `iss` of the token

The token is printed; `kith login --token-file FILE` takes it.
)";

int fail(const Error& error) {
  std::fprintf(stderr, "kithd token: %s\n", error.to_string().c_str());
  return error.code == ErrorCode::kBadConfig ? 2 : 1;
}

Error wrong(const char* sentence) {
  return make_error(ErrorCode::kBadConfig, sentence);
}

Result<std::string> make_token(const ToolFlags& flags) {
  const std::string config_file = flags.value("config");
  Config config;
  if (!config_file.empty()) {
    auto read = parse_arguments({"--config", config_file});
    if (!read) return read.error();
    config = std::move(*read);
  }
  if (const std::string file = flags.value("token-secret-file"); !file.empty()) {
    config.token_secret_file = file;
  }
  if (config.token_secret_file.empty()) return wrong("--token-secret-file or --config is missing");
  const auto secret = read_secret_file(config.token_secret_file);
  if (!secret) return secret.error();

  JwtOptions options;
  options.secret = *secret;
  options.audience =
      flags.values.contains("audience") ? flags.value("audience") : config.token_audience;
  options.issuer = flags.values.contains("issuer") ? flags.value("issuer") : config.token_issuer;
  if (const auto usable = jwt_authenticator(options); !usable) return usable.error();

  Identity who;
  who.handle = flags.value("handle");
  if (const Status handle = check_handle(who.handle); !handle)
    return wrong("--handle is no handle");
  who.display_name = flags.value("name");
  if (!who.display_name.empty() && !check_display_name(who.display_name)) {
    return wrong("--name is no display name");
  }
  const std::string expires = flags.values.contains("expires") ? flags.value("expires") : "1h";
  const auto life = parse_duration(expires);
  if (!life) return wrong("--expires is no time such as 90s, 15m, 1h or 30d");
  who.issued_ms = system_clock().wall().ms / 1000 * 1000;
  who.expires_ms = who.issued_ms + life->count();
  std::string id(16, '\0');  // so that no two are the same
  system_random().fill(id.data(), id.size());
  who.token_id = base64url_encode(id);
  return make_jwt(options, who);
}

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
  constexpr std::int64_t kTenYears = 3'650LL * 86'400;
  if (text.size() < 2) return std::nullopt;
  std::int64_t count = 0;
  const char* const unit = text.data() + text.size() - 1;
  const auto [end, error] = std::from_chars(text.data(), unit, count);
  if (error != std::errc() || end != unit || count <= 0 || count > kTenYears) return std::nullopt;
  std::int64_t seconds = 0;
  switch (*unit) {
    case 's':
      seconds = count;
      break;
    case 'm':
      seconds = count * 60;
      break;
    case 'h':
      seconds = count * 3'600;
      break;
    case 'd':
      seconds = count * 86'400;
      break;
    default:
      return std::nullopt;
  }
  if (seconds > kTenYears) return std::nullopt;
  return Millis(seconds * 1000);
}

int token_command(const std::vector<std::string>& arguments) {
  forbid_core_dumps();
  const auto flags = read_flags(
      arguments, {"handle", "name", "expires", "token-secret-file", "config", "audience", "issuer"},
      {"help"});
  if (!flags) return fail(flags.error());
  if (flags->switches.contains("help")) {
    const Status printed = print(kUsage);
    return printed ? 0 : fail(printed.error());
  }
  if (!flags->words.empty()) return fail(wrong("the handle is said with --handle"));
  const auto token = make_token(*flags);
  if (!token) return fail(token.error());
  const Status printed = print(*token + "\n");
  return printed ? 0 : fail(printed.error());
}

}  // namespace kith::server::daemon
