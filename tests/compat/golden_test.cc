// Frames of every released version are still read, and bytes of a newer one survive this one.
// KITH_WRITE_GOLDEN=1 writes the files of the current version; those of released versions are never
// written again.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "kith/v1/cluster.pb.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "tests/compat/sample_frames.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = KITH_GOLDEN_DIR;
const fs::path kCurrent = kGolden / "v0.1";

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Golden, ThisReleaseWritesTheBytesThatItPromised) {
  std::set<std::string> names;
  for (const auto& sample : test::sample_frames()) {
    const fs::path file = kCurrent / (sample.name + ".bin");
    if (std::getenv("KITH_WRITE_GOLDEN") != nullptr) {
      std::ofstream(file, std::ios::binary) << sample.bytes;
    }
    EXPECT_EQ(read(file), sample.bytes) << file;
    names.insert(sample.name + ".bin");
  }
  for (const auto& entry : fs::directory_iterator(kCurrent)) {
    EXPECT_TRUE(names.contains(entry.path().filename())) << entry.path() << " has no sample";
  }
}

TEST(Golden, SamplesCoverEveryBody) {
  std::set<int> client;
  std::set<int> server;
  for (const auto& sample : test::sample_frames()) {
    if (sample.name.starts_with("client_")) {
      client.insert(decode_client_frame(sample.bytes)->body_case());
    } else {
      server.insert(decode_server_frame(sample.bytes)->body_case());
    }
  }
  EXPECT_EQ(client.size(), 26u);
  EXPECT_EQ(server.size(), 23u);
}

//
TEST(Golden, EveryReleasedFrameIsReadAndForwardedUnchanged) {
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kGolden)) {
    if (entry.path().extension() != ".bin") continue;
    ++files;
    const std::string bytes = read(entry.path());
    if (entry.path().filename().string().starts_with("client_")) {
      const auto frame = decode_client_frame(bytes);
      ASSERT_TRUE(frame.ok()) << entry.path();
      const Status valid = validate(*frame);
      EXPECT_TRUE(valid.ok()) << entry.path() << " " << (valid ? "" : valid.error().to_string());
      EXPECT_EQ(*encode(*frame), bytes) << entry.path();
    } else {
      const auto frame = decode_server_frame(bytes);
      ASSERT_TRUE(frame.ok()) << entry.path();
      EXPECT_FALSE(has_unknown_body(*frame)) << entry.path();
      EXPECT_EQ(*encode(*frame), bytes) << entry.path();
    }
  }
  EXPECT_GE(files, 49);
}

// Field 999, length-delimited: no schema of ours has it.
const std::string kNewField("\xba\x3e\x05later", 8);

v1::Event event_of_a_newer_release() {
  v1::Event event;
  event.set_conversation_id(std::string(16, 'c'));
  event.set_seq(7);
  event.set_kind(static_cast<v1::EventKind>(42));
  event.set_body("bytes that this release cannot read \xff");
  EXPECT_TRUE(event.ParseFromString(event.SerializeAsString() + kNewField));
  return event;
}

// an unknown kind with an unknown field is pushed, stored, paged out again: the same bytes.
TEST(Forward, UnknownKindAndFieldSurviveStoreAndForward) {
  const std::string original = event_of_a_newer_release().SerializeAsString();
  ASSERT_NE(original.find("later"), std::string::npos);

  v1::ServerFrame push;
  *push.mutable_event_push()->add_events() = event_of_a_newer_release();
  const auto received = decode_server_frame(*encode(push));
  ASSERT_TRUE(received.ok());
  const std::string stored = received->event_push().events(0).SerializeAsString();
  EXPECT_EQ(stored, original);

  v1::ServerFrame page;
  ASSERT_TRUE(page.mutable_events_page()->add_events()->ParseFromString(stored));
  const auto fetched = decode_server_frame(*encode(page));
  ASSERT_TRUE(fetched.ok());
  EXPECT_EQ(fetched->events_page().events(0).SerializeAsString(), original);
  EXPECT_EQ(fetched->events_page().events(0).seq(), 7u);  // still counts
}

// a client's unknown field passes the server's log.
TEST(Forward, UnknownFieldOfAMessageSurvivesTheLog) {
  v1::OutMessage message;
  message.set_content("content");
  ASSERT_TRUE(message.ParseFromString(message.SerializeAsString() + kNewField));
  v1::ClientFrame request;
  *request.mutable_send()->add_items() = message;
  const auto received = decode_client_frame(*encode(request));
  ASSERT_TRUE(received.ok());
  v1::LogRecord record;
  *record.mutable_message() = received->send().items(0);
  v1::LogRecord replayed;
  ASSERT_TRUE(replayed.ParseFromString(record.SerializeAsString()));
  EXPECT_EQ(replayed.message().SerializeAsString(), message.SerializeAsString());
}

//
TEST(Forward, UnknownEnumValuesKeepTheirNumber) {
  v1::ServerFrame frame;
  frame.mutable_typing_push()->set_activity(static_cast<v1::Activity>(7));
  EXPECT_EQ(static_cast<int>(decode_server_frame(*encode(frame))->typing_push().activity()), 7);
  frame.mutable_goodbye()->set_reason(static_cast<v1::GoodbyeReason>(1234));
  EXPECT_EQ(static_cast<int>(decode_server_frame(*encode(frame))->goodbye().reason()), 1234);
}

}  // namespace
}  // namespace kith
