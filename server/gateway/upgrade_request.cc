// UpgradeRequest: lines, fields, and the requirements of a WebSocket.
#include "server/gateway/upgrade_request.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

constexpr std::string_view kPath = "/v1/ws";
constexpr std::string_view kHealthPath = "/health";
constexpr std::string_view kProtocol = "kith.v1";
constexpr std::size_t kFieldsMax = 100;
constexpr std::size_t kKeySize = 24;  // 16 bytes in base64

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
  });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same(std::string_view a, std::string_view b) {  // ASCII, whatever the case
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

// Finds one element of a list with commas.
bool lists(std::string_view list, std::string_view wanted, bool any_case) {
  while (true) {
    const auto comma = list.find(',');
    const std::string_view one = trim(list.substr(0, comma));
    if (any_case ? same(one, wanted) : one == wanted) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

bool is_key(std::string_view text) {
  const auto base64 = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/';
  };
  return text.size() == kKeySize && text.substr(22) == "==" &&
         std::all_of(text.begin(), text.begin() + 22, base64);
}

// The path of an origin-form or absolute-form target, without its query.
std::string_view path_of(std::string_view target) {
  const auto scheme = target.find("://");
  if (scheme != std::string_view::npos && target.front() != '/') {
    const auto slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find('?'));
}

class Reading {
 public:
  explicit Reading(std::string_view head) : rest_(head) {}

  UpgradeRequest read() {
    if (request_line() && fields()) decide();
    return std::move(out_);
  }
  PlainRequest read_plain() {
    if (!request_line() || !fields()) {
      return {PlainRequest::Kind::kRefused, {}, {}, out_.status, out_.why};
    }
    return {PlainRequest::Kind::kWhole, std::string(method_), std::string(path_), {}, {}};
  }

 private:
  bool refuse(std::string_view status, std::string_view why, std::string_view header = {}) {
    out_.kind = UpgradeRequest::Kind::kRefused;
    out_.status = status;
    out_.why = why;
    out_.header = header;
    return false;
  }
  bool bad(std::string_view why) { return refuse("400 Bad Request", why); }

  // The next line, without its end. The head is whole, so there is one.
  std::string_view line() {
    const auto end = rest_.find("\r\n");
    const std::string_view one = rest_.substr(0, end);
    rest_.remove_prefix(std::min(rest_.size(), end + 2));
    return one;
  }

  bool request_line() {
    const std::string_view text = line();
    const auto first = text.find(' ');
    const auto last = text.rfind(' ');
    if (first == std::string_view::npos || first == last) return bad("this is no HTTP request");
    method_ = text.substr(0, first);
    const std::string_view target = text.substr(first + 1, last - first - 1);
    const std::string_view version = text.substr(last + 1);
    if (!is_token(method_) || !version.starts_with("HTTP/")) return bad("this is no HTTP request");
    const bool clean = std::all_of(target.begin(), target.end(), [](char c) {
      return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
    });
    if (target.empty() || !clean) return bad("the target is no address");
    newest_ = version == "HTTP/1.1";
    if (!newest_ && version != "HTTP/1.0") {
      return refuse("505 HTTP Version Not Supported", "HTTP/1.1 is spoken here");
    }
    path_ = path_of(target);
    return true;
  }

  bool fields() {
    for (std::size_t count = 0;; ++count) {
      const std::string_view text = line();
      if (text.empty()) return true;
      if (count == kFieldsMax) {
        return refuse("431 Request Header Fields Too Large", "too many header fields");
      }
      const auto colon = text.find(':');
      if (colon == std::string_view::npos) return bad("a header line has no colon");
      const std::string_view name = text.substr(0, colon);
      const std::string_view value = trim(text.substr(colon + 1));
      if (!is_token(name) || !is_field_value(value))
        return bad("a header field is not well-formed");
      if (!field(name, value)) return false;
    }
  }

  bool field(std::string_view name, std::string_view value) {
    if (same(name, "Host")) {
      if (std::exchange(host_, true)) return bad("there are two Host fields");
    } else if (same(name, "Upgrade")) {
      upgrade_ |= lists(value, "websocket", true);
    } else if (same(name, "Connection")) {
      connection_ |= lists(value, "upgrade", true);
    } else if (same(name, "Sec-WebSocket-Key")) {
      if (!out_.key.empty() || !is_key(value)) return bad("Sec-WebSocket-Key is not 16 bytes");
      out_.key = std::string(value);
    } else if (same(name, "Sec-WebSocket-Version")) {
      version_ |= lists(value, "13", false);
    } else if (same(name, "Sec-WebSocket-Protocol")) {
      asks_protocol_ = true;
      out_.names_protocol |= lists(value, kProtocol, false);
    } else if (same(name, "Content-Length")) {
      if (value != "0") return bad("a request here has no body");
    } else if (same(name, "Transfer-Encoding")) {
      return bad("a request here has no body");
    } else if (same(name, "X-Forwarded-For")) {
      out_.forwarded_for.emplace_back(value);
    }
    return true;
  }

  bool decide() {
    if (newest_ && !host_) return bad("the Host field is missing");
    const bool socket = path_ == kPath;
    if (!socket && path_ != kHealthPath) return refuse("404 Not Found", "not found");
    if (method_ != "GET") {
      return refuse("405 Method Not Allowed", "GET is the only method here", "Allow: GET\r\n");
    }
    if (!socket) {
      out_.kind = UpgradeRequest::Kind::kHealth;
      return true;
    }
    if (!newest_) return refuse("505 HTTP Version Not Supported", "a WebSocket needs HTTP/1.1");
    if (!upgrade_ || !connection_) {
      return refuse("426 Upgrade Required", "this is the address of a WebSocket",
                    "Upgrade: websocket\r\n");
    }
    if (!version_) {
      return refuse("426 Upgrade Required", "version 13 of the WebSocket protocol is spoken here",
                    "Sec-WebSocket-Version: 13\r\n");
    }
    if (out_.key.empty()) return bad("Sec-WebSocket-Key is missing");
    if (asks_protocol_ && !out_.names_protocol) {
      return bad("the subprotocol spoken here is kith.v1");
    }
    out_.kind = UpgradeRequest::Kind::kUpgrade;
    return true;
  }

  std::string_view rest_;
  UpgradeRequest out_;
  std::string_view method_, path_;
  bool newest_ = false, host_ = false, upgrade_ = false, connection_ = false, version_ = false,
       asks_protocol_ = false;
};

// The end of the head of a request, or the reason why there is none; neither: more bytes are needed.
struct Framing {
  std::string_view head;
  std::size_t size = 0;  // with what stands before it
  std::string_view status, why;
};

Framing frame_head(std::string_view bytes) {
  const auto refused = [](std::string_view status, std::string_view why) {
    return Framing{{}, 0, status, why};
  };
  std::size_t begin = 0;
  if (bytes.starts_with("\r\n")) begin = 2;  // some clients end an earlier body so (RFC 9112, 2.2)
  const std::string_view whole = bytes.substr(begin, limits::request_head_bytes_max);
  const auto end = whole.find("\r\n\r\n");
  const std::string_view head = whole.substr(0, end);
  // Rejects bytes at once that cannot become a request: other protocols and line ends.
  for (std::size_t at = head.find('\n'); at != std::string_view::npos;
       at = head.find('\n', at + 1)) {
    if (at == 0 || head[at - 1] != '\r')
      return refused("400 Bad Request", "a line ends without CRLF");
  }
  if (!whole.empty() && std::isalpha(static_cast<unsigned char>(whole.front())) == 0 &&
      whole.front() != '\r') {
    return refused("400 Bad Request", "this is no HTTP request");
  }
  if (end == std::string_view::npos) {
    if (whole.size() < limits::request_head_bytes_max) return {};
    return refused("431 Request Header Fields Too Large", "the head of the request is too large");
  }
  return {whole.substr(0, end + 4), begin + end + 4, {}, {}};
}

}  // namespace

UpgradeRequest read_upgrade_request(std::string_view bytes) {
  const Framing framing = frame_head(bytes);
  UpgradeRequest made;
  if (!framing.status.empty()) {
    made.kind = UpgradeRequest::Kind::kRefused;
    made.status = framing.status;
    made.why = framing.why;
  } else if (framing.size != 0) {
    made = Reading(framing.head).read();
    made.size = framing.size;
  }
  return made;
}

PlainRequest read_plain_request(std::string_view bytes) {
  const Framing framing = frame_head(bytes);
  if (!framing.status.empty()) {
    return {PlainRequest::Kind::kRefused, {}, {}, framing.status, framing.why};
  }
  return framing.size == 0 ? PlainRequest() : Reading(framing.head).read_plain();
}

}  // namespace kith::server
