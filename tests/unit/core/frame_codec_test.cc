// Frames survive the wire; bytes that are no frame get a typed error.
#include "src/frame_codec.h"

#include <gtest/gtest.h>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

// Field 61 (kept for searches) with four bytes: a body of a newer release.
const std::string kNewerBody("\xea\x03\x04wxyz", 7);

TEST(FrameCodec, RoundTripsBothDirections) {
  v1::ClientFrame request;
  request.set_req_id(7);
  request.mutable_mark_read()->set_conversation_id(std::string(16, 'c'));
  const auto sent = decode_client_frame(*encode(request));
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->SerializeAsString(), request.SerializeAsString());

  v1::ServerFrame reply;
  reply.set_reply_to(7);
  reply.mutable_ack();
  const auto received = decode_server_frame(*encode(reply));
  ASSERT_TRUE(received.ok());
  EXPECT_EQ(received->body_case(), v1::ServerFrame::kAck);
}

TEST(FrameCodec, NothingAndABodylessFrameAreProtocolErrors) {
  EXPECT_EQ(decode_client_frame("").error().code, ErrorCode::kProtocol);
  EXPECT_EQ(decode_server_frame("").error().code, ErrorCode::kProtocol);
  EXPECT_EQ(decode_client_frame("\x08\x05").error().code, ErrorCode::kProtocol);
  EXPECT_EQ(decode_server_frame("\x08\x05\x10\x01").error().code, ErrorCode::kProtocol);
}

TEST(FrameCodec, TextInsteadOfAFrameIsAProtocolError) {
  EXPECT_EQ(decode_client_frame("GET / HTTP/1.1\r\n").error().code, ErrorCode::kProtocol);
  EXPECT_EQ(decode_server_frame("{\"hello\":1}").error().code, ErrorCode::kProtocol);
}

TEST(FrameCodec, LimitIsExact) {
  v1::ClientFrame frame;
  frame.mutable_goodbye();
  const std::size_t overhead = [&] {
    frame.mutable_goodbye()->set_detail(std::string(60'000, 'x'));
    return frame.ByteSizeLong() - 60'000;
  }();
  frame.mutable_goodbye()->set_detail(std::string(limits::frame_bytes_max - overhead, 'x'));
  const auto bytes = encode(frame);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(bytes->size(), limits::frame_bytes_max);
  EXPECT_TRUE(decode_client_frame(*bytes).ok());
  frame.mutable_goodbye()->mutable_detail()->push_back('x');
  EXPECT_EQ(encode(frame).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(decode_client_frame(*bytes + "x").error().code, ErrorCode::kTooLarge);
}

//
TEST(FrameCodec, UnknownBodyIsReportedNotRefusedAndKeepsItsBytes) {
  const std::string bytes = "\x08\x05" + kNewerBody;
  const auto request = decode_client_frame(bytes);
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(has_unknown_body(*request));
  EXPECT_EQ(request->req_id(), 5u);
  EXPECT_EQ(validate(*request).error().code, ErrorCode::kUnimplemented);
  EXPECT_EQ(*encode(*request), bytes);

  const auto push = decode_server_frame(kNewerBody);
  ASSERT_TRUE(push.ok());
  EXPECT_TRUE(has_unknown_body(*push));
  EXPECT_EQ(*encode(*push), kNewerBody);
}

//
TEST(FrameCodec, UnknownBodyThatMustBeUnderstoodAsksForAnUpgrade) {
  EXPECT_EQ(decode_server_frame("\x10\x01" + kNewerBody).error().code, ErrorCode::kUpgradeRequired);
}

TEST(FrameCodec, KnownBodyBesidesAnUnknownFieldIsKnown) {
  v1::ServerFrame frame;
  frame.mutable_ack();
  const auto decoded = decode_server_frame(*encode(frame) + kNewerBody);
  ASSERT_TRUE(decoded.ok());
  EXPECT_FALSE(has_unknown_body(*decoded));
  EXPECT_EQ(decoded->body_case(), v1::ServerFrame::kAck);
}

TEST(FrameCodec, TextThatIsNotUtf8IsNotAFrame) {
  // Goodbye{detail: "\xff"}
  EXPECT_EQ(decode_client_frame(std::string("\x22\x03\x1a\x01\xff", 5)).error().code,
            ErrorCode::kProtocol);
}

TEST(FrameCodec, NoBytesMakeItCrashAndWhatIsReadIsStable) {
  test::SeededRandom random(31);
  v1::ClientFrame seed;
  seed.set_req_id(3);
  auto* batch = seed.mutable_send();
  batch->set_conversation_id(std::string(16, 'c'));
  batch->add_items()->set_content("text");
  const std::string good = *encode(seed);
  int readable = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string bytes = good;
    const auto changes = 1 + random.below(4);
    for (std::uint64_t k = 0; k < changes; ++k) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    bytes.resize(random.below(bytes.size() + 1));
    if (const auto frame = decode_client_frame(bytes)) {
      ++readable;
      (void)validate(*frame);
      const std::string once = *encode(*frame);
      ASSERT_EQ(*encode(*decode_client_frame(once)), once);
    }
    (void)decode_server_frame(bytes);
  }
  EXPECT_GT(readable, 100);  // the loop reached the interesting part
}

TEST(FrameCodec, IdFieldsNeedExactlySixteenBytes) {
  EXPECT_EQ(user_id(UserId::of("a").view()), UserId::of("a"));
  EXPECT_TRUE(device_id(std::string(16, 'd')));
  EXPECT_TRUE(session_id(std::string(16, 's')));
  for (const std::size_t size : {0, 15, 17, 32}) {
    const std::string bytes(size, 'x');
    EXPECT_FALSE(user_id(bytes) || conversation_id(bytes) || message_id(bytes)) << size;
  }
}

}  // namespace
}  // namespace kith
