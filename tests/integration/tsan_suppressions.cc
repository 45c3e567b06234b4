// What ThreadSanitizer may ignore: glibc guards its time zone by a lock that TSan cannot see, and
// libwebsockets asks for it.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:tzset_internal\n";
}
