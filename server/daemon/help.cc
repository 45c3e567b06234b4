// The text of kithd --help.
#include "server/daemon/config.h"

namespace kith::server::daemon {

std::string_view help_text() {
  return R"(kithd - a Kith messenger server

  kithd --dev                            try it out: TLS with its own certificate, accounts on
  kithd --config /etc/kithd.conf         the settings below without dashes, one `name = value` per line
  kithd --data DIR --certificate FILE --key FILE --token-secret-file FILE
  kithd backup DIR …                     copies the data directory, also while it serves; kithd backup --help
  kithd account …                        changes a password, ends an account; kithd account --help
  kithd token …                          makes a token of the host, for trying out; kithd token --help

Where it listens
  --listen ADDRESS          default 127.0.0.1
  --port N                  default 8443; 0 takes a free one and prints it
  --certificate FILE        PEM certificate chain
  --key FILE                PEM key
  --plain                   no TLS: only behind a proxy that has it
  --trusted-proxies LIST    addresses and ranges of proxies whose word for a client's address is taken
  --proxy-protocol          they send a PROXY header (version 1 or 2); otherwise X-Forwarded-For
  --share-port              other servers with this setting may use the port; each has its own data

What it keeps
  --data DIR                default ./kith-data
  --partitions N            parts of the conversations, each with a log and a store of its own, 1 to 256;
                            fixed when the data directory is made; default 1

Who may come in
  --accounts                people register with handle and password
  --password-cost N         log2 of scrypt's N for new passwords, 10 to 18, default 15; --dev: 10
  --password-threads N      threads that hash passwords, 0 to 64; default 0: one per core, at most 2
  --token-secret-file FILE  accept JSON Web Tokens (HS256) signed with this secret of 32 bytes or more
  --token-previous-secret-file FILE  and with this one, while the host changes its secret
  --token-audience NAME     `aud` must name it; without, a token that has an `aud` is refused
  --token-issuer NAME       `iss` must be it
  --secret-file FILE        signs tickets and tokens of own accounts; default: kept in the data directory
  --previous-secret-file FILE  what it has signed stays good
  --core-dumps yes          a crash may leave the memory, secrets included, in a file; default no

How much it takes
  --loops N                 threads: 1 does everything; of more the first carries sessions, people and
                            search, and the others own the partitions; at most
                            partitions + 1; default 1
  --roles LIST              what this process carries: gateway,messages,people,search, which is all, is
                            the default, and so far the only choice
  --shards N                event loops for sockets, default 1
  --connections-max N       default: what the descriptor limit allows
  --handshakes-per-s N      default 5000
  --commands-per-s N        of one account, on average; default 50
  --commands-burst N        of one account, at once; default 200
  --registrations-per-h N   new accounts of one address, default 600; 0: any number
  --failures-per-min N      failed sign-ins of one address, default 30; 0: any number
  --lookups-per-s N         people looked up by one address, default 500; 0: any number
  --search no               people cannot search their history; default yes
  --large-pushes-per-s N    events for those who only listen in large groups; default 20000

What it tells
  --log-format text|json    of the lines on standard error, default text
  --log-level LEVEL         error, warning, info or debug; default info
  --admin-port N            a second listener, plain HTTP: /health, /ready, /metrics; default: none
  --admin-address ADDRESS   default 127.0.0.1; whoever reaches it sees how much is said

  --dev  --help  --version

SIGTERM and SIGINT say goodbye to every client, then end the server. SIGHUP reads certificate, key,
secrets, trusted proxies and the log level again; a mistake leaves everything as it was.
)";
}

}  // namespace kith::server::daemon
