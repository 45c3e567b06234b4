// Privacy settings as a person types them.
#include "client/cli/privacy.h"

#include <gtest/gtest.h>

namespace kith::cli {
namespace {

TEST(PrivacySettings, EachIsSetByItsNameAndShownAgain) {
  client::Privacy privacy;
  for (const auto& [name, value] : privacy_settings(privacy)) {
    const std::string other = value == "on" ? "off" : "nobody";
    ASSERT_TRUE(set_privacy(&privacy, name, other).ok()) << name;
    bool shown = false;
    for (const auto& [now, its] : privacy_settings(privacy)) shown |= now == name && its == other;
    EXPECT_TRUE(shown) << name;
  }
}

TEST(PrivacySettings, ComplaintsSayWhatThereIs) {
  client::Privacy privacy;
  EXPECT_NE(set_privacy(&privacy, "hat", "on").error().message.find("receipts"), std::string::npos);
  EXPECT_NE(set_privacy(&privacy, "online", "all").error().message.find("contacts"),
            std::string::npos);
  EXPECT_FALSE(set_privacy(&privacy, "receipts", "maybe").ok());
  EXPECT_EQ(privacy, client::Privacy());
}

}  // namespace
}  // namespace kith::cli
