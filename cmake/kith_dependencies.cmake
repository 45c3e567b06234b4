# Third-party libraries, found once, under the names that the rest of the build uses.
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)      # protobuf-lite is linked, protoc generates
find_package(PkgConfig REQUIRED)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
find_package(OpenSSL 3.0 REQUIRED)
pkg_check_modules(LIBWEBSOCKETS REQUIRED IMPORTED_TARGET libwebsockets)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)  # folding of what is searched
find_package(ZLIB REQUIRED)         # checksums of the journal
find_package(Boost 1.74 REQUIRED)    # headers only: Asio, small_vector
find_package(tsl-robin-map REQUIRED) # header only, in src/id_map.h
