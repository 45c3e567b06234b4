// ConnectStage: a failure says how far the connection came.
#include "client/transport/connect_stage.h"

#include <gtest/gtest.h>

namespace kith::client {
namespace {

using Stage = ConnectStage::Stage;

ConnectStage to(bool tls, std::optional<Proxy> proxy = std::nullopt) {
  ConnectStage stage;
  stage.set_target({tls, "chat.example", 443, "/v1/ws"}, std::move(proxy));
  return stage;
}

TEST(ConnectStage, NamesTheProxyThatCannotBeReached) {
  const ConnectStage stage = to(true, Proxy{"proxy.example", 3128, ""});
  EXPECT_EQ(stage.host(), "proxy.example");
  EXPECT_EQ(stage.no_address().code, ErrorCode::kDnsFailed);
  EXPECT_EQ(stage.no_address().message, "the name proxy proxy.example does not resolve");
  EXPECT_EQ(stage.error("refused").code, ErrorCode::kConnectFailed);
  EXPECT_NE(stage.error("refused").message.find("through the proxy"), std::string::npos);
}

TEST(ConnectStage, TellsTlsFromCertificate) {
  ConnectStage stage = to(true);
  stage.reach(Stage::kTls);
  EXPECT_EQ(stage.error("closed").code, ErrorCode::kTlsFailed);
  stage.refuse_certificate("it has expired");
  EXPECT_EQ(stage.error("closed").code, ErrorCode::kTlsCertificate);
  EXPECT_NE(stage.error("closed").message.find("it has expired"), std::string::npos);
}

TEST(ConnectStage, AnAnswerThatIsNoUpgradeComesFromAnotherServer) {
  ConnectStage stage = to(false);
  stage.reach(Stage::kUpgrade);
  EXPECT_EQ(stage.error("HS: ws upgrade unauthorized").code, ErrorCode::kNotKithServer);
  EXPECT_EQ(stage.error("closed").code, ErrorCode::kUnavailable);
  EXPECT_NE(stage.error("closed").message.find("wss://"), std::string::npos);
}

TEST(ConnectStage, AnOpenConnectionBreaksOrIsClosed) {
  ConnectStage stage = to(true);
  stage.reach(Stage::kOpen);
  EXPECT_EQ(stage.closed(0).message, "the connection to chat.example:443 broke");
  EXPECT_EQ(stage.closed(1001).message, "the connection was closed with code 1001");
}

}  // namespace
}  // namespace kith::client
