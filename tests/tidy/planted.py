"""One small tree for each rule that breaks it, and trees that break none: the proof that the rules bite."""

LAYERS = """
core     :
records  : core
requests : core
feed     : core records
adapters : core records
server   : *
client   : core
cli      : core client
example  : core client server
test     : core client
"""
TOP = "// Says what this file is for.\n"


def with_layers(tree: dict[str, str]) -> dict[str, str]:
    return {"cmake/layers.txt": LAYERS, **tree}


LONG_FUNCTION = "Status Thing::open(const Path& path,\n  int flags) const {\n" + "  call();\n" * 69 + "}\n"

MANY_METHODS = "".join(f"  [[nodiscard]] int method{n}() const {{ return {{}}; }}\n" for n in range(26))
MANY_OVERRIDES = "".join(f"  int method{n}() const override {{ return part_.method{n}(); }}\n" for n in range(26))
MANY_FIELDS = "".join(f"  std::function<void(int)> field{n}_{{nullptr}};\n" for n in range(16))

VIOLATIONS = [
    ("layer", {"client/a.cc": TOP + '#include "server/b.h"\n', "server/b.h": TOP}),
    ("layer", {"server/feed/a.cc": TOP + '#include "server/adapters/b.h"\n', "server/adapters/b.h": TOP}),
    ("layer", {"server/adapters/a.cc": TOP + '#include "server/feed/b.h"\n', "server/feed/b.h": TOP}),
    ("layer", {"server/feed/a.cc": TOP + '#include "server/server_core.h"\n', "server/server_core.h": TOP}),
    ("layer", {"server/cellar/a.cc": TOP + '#include "src/b.h"\n', "src/b.h": TOP}),
    ("layer", {"src/a.cc": TOP + '#include "kith/client/c.h"\n', "include/kith/client/c.h": TOP}),
    ("layer", {"client/cli/a.cc": TOP + '#include "client/b.h"\n', "client/b.h": TOP}),
    ("layer", {"examples/a.cc": TOP + '#include "src/b.h"\n', "src/b.h": TOP}),
    ("layer", {"include/kith/conformance/a.h": TOP + '#include "kith/client/b.h"\n', "include/kith/client/b.h": TOP}),
    ("layer", {"attic/a.cc": TOP}),
    ("public-header", {"include/kith/core/a.h": TOP + "#include <boost/any.hpp>\n"}),
    ("public-header", {"include/kith/core/a.h": TOP + '#include "src/b.h"\n', "src/b.h": TOP}),
    ("edge", {"client/a.cc": TOP + "#include <libwebsockets.h>\n"}),
    ("edge", {"server/adapters/a.cc": TOP + "#include <sqlite3.h>\n"}),
    ("edge", {"src/a.cc": TOP + "#include <uv.h>\n"}),
    ("banned", {"client/a.cc": TOP + "auto now = std::chrono::system_clock::now();\n"}),
    ("banned", {"server/a.cc": TOP + "auto now = std::chrono::steady_clock::now();\n"}),
    ("banned", {"client/a.cc": TOP + "int n = std::rand();\n"}),
    ("banned", {"client/a.cc": TOP + "int n = rand();\n"}),
    ("banned", {"server/a.h": TOP + "std::atomic_thread_fence(std::memory_order_acquire);\n"}),
    ("banned", {"tests/a_test.cc": TOP + "std::this_thread::sleep_for(1s);\n"}),
    ("banned", {"src/a.h": TOP + "using namespace std;\n"}),
    ("banned", {"client/cli/a.cc": TOP + "std::cout << name;\n"}),
    ("banned", {"client/cli/a.cc": TOP + "mvaddnwstr(0, 0, name, 3);\n"}),
    ("banned", {"client/cli/a.cc": TOP + "::write(STDOUT_FILENO, name, 3);\n"}),
    ("banned", {"client/a_sqlite.cc": TOP + 'run("BEGIN");\n'}),
    ("banned", {"server/adapters/a_sqlite.cc": TOP + 'run("BEGIN TRANSACTION;");\n'}),
    ("size", {"src/a.cc": TOP + "int a;\n" * 800}),
    ("columns", {"src/a.cc": TOP + "// " + "x" * 120 + "\n"}),
    ("function", {"src/a.cc": TOP + LONG_FUNCTION}),
    ("function", {"src/a.cc": TOP + "class A {\n public:\n" + LONG_FUNCTION + "};\n"}),
    ("function", {"src/a.cc": TOP + "A::A(int n) : n_{n} {\n" + "  call();\n" * 70 + "}\n"}),
    ("function", {"tests/a_test.cc": TOP + "TEST(A, B) {\n  f({1, 2}, [] {\n" + "  call();\n" * 70 + "  });\n}\n"}),
    ("purpose", {"src/a.cc": "#include <string>\n"}),
    ("purpose", {"src/a.h": "// a.h\n#pragma once\n"}),
    ("unfinished", {"docs/a.md": "TO" "DO: write this\n"}),
    ("unfinished", {"src/a.cc": TOP + "// FIX" "ME later\n"}),
    ("machine-path", {"README.md": "see /wo" "rk/main\n"}),
    ("machine-path", {"docs/a.md": "see ../sha" "red/design\n"}),
    ("machine-path", {"tools/a": "cd /ro" "ot/kith\n"}),
    ("name", {"src/string_utils.cc": TOP}),
    ("name", {"src/a.h": TOP + "class SessionManager {};\n"}),
    ("name", {"src/SessionStore.cc": TOP}),
    ("class", {"server/feed/a.h": TOP + "class A : public B {\n public:\n" + MANY_METHODS + "};\n"}),
    ("class", {"server/feed/a.cc": TOP + "class A {\n  void run();\n" + MANY_FIELDS + "};\n"}),
    ("class", {"server/feed/a.h": TOP + "struct A {\n  void run() {}\n" + MANY_FIELDS + "};\n"}),
    ("class", {"server/feed/a.h": TOP + "class A {\n  struct B {\n    void run();\n" + MANY_FIELDS + "  };\n};\n"}),
    ("class", {"server/feed/a.cc": TOP + "int a;\n" * 500}),
    ("class", {"server/feed/a.h": TOP + "class EmbeddedServer {\n" + MANY_FIELDS + "};\n"}),
    ("class", {"server/server.cc": TOP + "int a;\n" * 649}),
    ("class", {"client/a.h": TOP + "class A {\n" + MANY_METHODS + "};\n"}),
    ("class", {"client/cli/a.h": TOP + "class A {\n  void run();\n" + MANY_FIELDS + "};\n"}),
    ("class", {"client/transport/a.cc": TOP + "int a;\n" * 500}),
    ("class", {"client/a.cc": TOP + "class A : public B {\n" + MANY_OVERRIDES + MANY_METHODS + "};\n"}),
    ("class", {"client/a.cc": TOP + "class A : public B {\n  int own() { return 1; }\n"
               + MANY_OVERRIDES.partition("  int method25")[0] + "};\n"}),
    ("prose", {"src/a.h": "// What a session holds, in bytes.\n"}),
    ("prose", {"src/a.h": TOP + "int a;  // in bytes. Who has none gets 0\n"}),
    ("prose", {"src/a.cc": TOP + "// Is read once:\n// Whatever comes later is dropped.\nint a;\n"}),
    ("prose", {"src/a.proto": "// Those who left are not listed.\n"}),
    ("prose", {"server/feed/a.h": TOP + "// Of one user, the newest.\nint a;\n"}),
    ("prose", {"tests/a.py": 'def f():\n    """Of a batch: its size."""\n'}),
    ("prose", {"tools/a": "# Whose turn it is.\n"}),
    ("prose", {"docs/a.md": "# What it is\n\nIt is slow. What it has read stays\nin memory.\n"}),
    ("prose", {"docs/a.md": "* one\n* **Two.** Nobody who asks waits.\n"}),
    ("prose", {"README.md": "| What | Where |\n|---|---|\n| What is left | there. Whoever asks gets it |\n"}),
    ("word", {"src/a.h": TOP + "int a;  // the session that is told\n"}),
    ("word", {"docs/a.md": "A client was not told of it.\n"}),
    ("word", {"src/a.cc": TOP + "// Takes so\n// many bytes.\nint a;\n"}),
    ("word", {"tests/a.py": 'def f():\n    """A device of one\'s own."""\n'}),
    ("snippet", {"docs/a.md": "```cpp\nint a;\n```\n"}),
    ("snippet", {"docs/a.md": "<!-- snippet: none_such -->\n```cpp\nint a;\n```\n"}),
    ("snippet", {"README.md": "<!-- snippet: one -->\n```cpp\nint a = 2;\n```\n",
                 "examples/a.cc": TOP + "  // [one]\n  int a = 1;\n  // [/one]\n"}),
    ("link", {"docs/a.md": "see [b](b.md)\n"}),
    ("guide", {"include/kith/core/result.h": TOP + "enum class ErrorCode {\n  kOne = 1,\n};\n",
               "docs/client_guide.md": "kOne\n"}),
    ("guide", {"include/kith/server/options.h": TOP + "struct ServerOptions {\n  std::uint16_t port = 1;\n};\n"}),
    ("guide", {"server/daemon/config.cc": TOP + 'kFields = {\n      {"port", f},\n  };\n'}),
    ("guide", {"src/proto/kith/v1/session.proto": "enum ErrorCode {\n  ERROR_CODE_LOST = 1;\n}\n",
               "docs/protocol.md": "LOSTLY\n"}),
    ("guide", {"server/a.cc": TOP + 'void add_stats(Map& all) {\n  all["sessions"] = 1;\n}\n'}),
    ("proof", {"docs/requirements.md": "`Box.Opens`, `…Closes`\n", "tests/a_test.cc": TOP + "TEST(Box, Opens) {}\n"}),
    ("link", {"docs/a.md": "see [b](../docs/b.md#two)\n", "docs/b.md": "# One\n"}),
    ("link", {"docs/a.md": "see [below](#two)\n\n```\n# Two\n```\n"}),
]

GOOD = [
    {"src/a.h": TOP + '// Of the 63 bits, 40 are time. Of course it can be told apart, and `told`.\n'
                      'int a;  // what it is, of one\n'
                      'std::string told = "// Who is told?";  // Which of both? What if neither?\n'},
    {"docs/a.md": "# What it is\n\n| What | told |\n|---|---|\n| What is left | `told` |\n\n"
                  "What is it? It is so many that `one's own` is none.\n\n```\nWho is told\n```\n"},
    {"tools/a": "#!/bin/sh\necho \"$#\" # How many.\n", "tests/a.py": 'told = """Who is told."""\n'},
    {"server/feed/a.h": TOP + "struct A {\n  int sum() const { return 1; }\n" + MANY_FIELDS + "};\n"},
    {"server/feed/a.h": TOP + "class A {\n  enum class E { kOne };\n  A(const A&) = delete;\n"
                        + MANY_METHODS.replace("method25", "A", 1).partition("  [[nodiscard]] int A()")[0]
                        + "  struct B {\n" + MANY_FIELDS + "  } b_;\n};\n"},
    {"client/a.h": TOP + "class A : public B {\n  int own() { return 1; }\n" + MANY_OVERRIDES + "};\n"},
    {"src/a.h": TOP + "class A {\n" + MANY_METHODS + "};\n"},
    {"client/a_lws.cc": TOP + "#include <libwebsockets.h>\n#include \"kith/client/c.h\"\n",
     "include/kith/client/c.h": TOP},
    {"server/adapters/a_sqlite.cc": TOP + 'reader_->execute("BEGIN");\n'},
    {"include/kith/core/a.h": TOP + "using namespace std::chrono_literals;\n"},
    {"src/time.cc": TOP + "auto now = std::chrono::system_clock::now();\n"},
    {"client/a_sqlite.cc": TOP + '// rand() and "BEGIN" in words only\nrun("BEGIN IMMEDIATE");\nint operand(int a);\n'},
    {"src/a.cc": TOP + 'const char kHelp[] = R"(\n' + "{\n" * 80 + ')";\n'},
    {"README.md": "<!-- snippet: one -->\n```cpp\nint a = 1;\n```\n",
     "examples/a.cc": TOP + "  // [one]\n  int a = 1;\n  // [/one]\n"},
    {"include/kith/server/options.h": TOP + "struct ServerOptions {\n  std::string dir{};\n};\n",
     "docs/server_guide.md": "`dir`\n"},
    {"docs/requirements.md": "`Box.Opens`, `…Clo…`, `Box.*`, `limits.h`\n",
     "tests/a_test.cc": TOP + "TEST_F(Box, Opens) {}\nTEST(Box, Closes) {}\n"},
    {"docs/a.md": "[b](b.md#two-words-2), [c](../src/), [d](https://kith.invalid/x#y), `[e](f)`\n",
     "docs/b.md": "# Two *words*, 2\n", "src/c.h": TOP},
    {"docs/a.md": "<!-- snippet: examples/a.cc -->\n```cpp\n" + TOP + "```\n", "examples/a.cc": TOP},
]
