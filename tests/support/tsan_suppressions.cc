// Suppressions of ThreadSanitizer, linked into every program of a `tsan` build: glibc guards its
// time zone by a lock that TSan cannot see, and libwebsockets asks for it. Symbols are hidden by
// default here, and the run-time would not find a hidden one.
// NOLINTBEGIN(bugprone-reserved-identifier): the name is that of the run-time
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:tzset_internal\n";
}
// NOLINTEND(bugprone-reserved-identifier)
