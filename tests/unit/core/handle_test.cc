// Handles of the server's accounts: equal ones, and rejected ones.
#include "src/handle.h"

#include <gtest/gtest.h>

#include <string>

namespace kith {
namespace {

std::string made(std::string_view typed) {
  const auto handle = new_account_handle(typed);
  return handle ? *handle : "refused";
}

TEST(Handle, WidthAndCaseAreMapped) {
  for (const char* typed : {"alice", "Alice", "ALICE", "ａｌｉｃｅ", "ＡＬＩＣＥ"})
    EXPECT_EQ(made(typed), "alice");
  EXPECT_EQ(made("ÅSE"), "åse");
  EXPECT_EQ(made("ЮЛИЯ"), "юлия");
  EXPECT_EQ(mapped_handle("A\u030Ase"), "åse");
  EXPECT_EQ(mapped_handle("\xff"), "\xff");
}

TEST(Handle, PeopleOfAllScriptsHaveOne) {
  for (const char* handle :
       {"bob",    "user-1", "a.b_c",    "o'brien", "al@example", "jos\u00e9", "zo\u00eb",
        "straße", "нина",   "γιώργος",  "דוד",     "علي",        "ali",       "李雷",
        "さくら", "김철수", "สมชาย",    "अमित",    "tom李",      "1234",      "łukasz",
        "ngọc",   "öz",     "əli",      "kɔfi",    "ɗanladi",    "ẹ\u0301be", "g\u0303uarani",
        "১২৩",    "สมชาย2", "taro太郎", "10",      "ꮳꮃꭹ",  "amina3"}) {
    EXPECT_EQ(made(handle), handle);
  }
}

TEST(Handle, WhatIsInvisibleOrForgesIsRefused) {
  for (const char* handle : {"",
                             " ",
                             "alice ",
                             " alice",
                             "a b",
                             "ali\u200bce",
                             "al\u00adice",
                             "\u202ealice",
                             "\u2066alice",
                             "alice\u00a0",
                             "alice\ufe0f",
                             "\ufeffalice",
                             "\u3164",
                             "a\u034fb",
                             "\u2028",
                             "a\u0085b",
                             "a\tb",
                             "a\x7f",
                             "\u009b31m",
                             "\U000E0061",
                             "a\u180eb",
                             "\U0001F600",
                             "ﬁne",
                             "x²",
                             "①",
                             "a\u0301lice",
                             "alice\u0301",
                             "ℓ"}) {
    EXPECT_EQ(made(handle), "refused") << handle;
  }
}

TEST(Handle, LookAlikesAreRefused) {
  for (const char* handle :
       {"alic\u0435", "аlice", "αlice", "bοb", "раураl", "аӏісе", "сосо", "οοο", "bо", "ｂоb",
        "al\u0131ce", "\u0251lice", "пa", "ոo", "abcא", "אabc", "א1\u0661",
        // digits and letters of other scripts, phonetic letters, small capitals
        "b०b", "b໐b", "bo๐", "ဝob", "۳a", "a丨ice", "ノa", "1०1", "alǀce", "bᴏb", "ᴄarol",
        "ꬲlice", "sꜱx", "ʟook", "ʋictor", "ƿaul", "ƽtar", "ꞵob", "ᎪᏞᏆᏟᎬ", "ꓮꓡꓲꓚꓰ", "ⲟⲣ",
        // accents that nobody sees, or that cross a letter out
        "al\u0069\u0307ce", "root\u0332", "a\u0338b", "a\u0335"}) {
    EXPECT_EQ(made(handle), "refused") << handle;
  }
}

TEST(Handle, ReservedNamesAndConfusableBeginningsAreRefused) {
  for (const char* handle : {"admin",
                             "ADMIN",
                             "ａｄｍｉｎ",
                             "root",
                             "system",
                             "support",
                             "kith",
                             "Kith",
                             "everyone",
                             "here",
                             "all",
                             "you",
                             "no-reply",
                             "ad.min",
                             "admín",
                             "adm1n",
                             "supp0rt",
                             "5y5tem",
                             "ķith",
                             "a11",
                             "@alice",
                             "#alice",
                             "/etc/passwd",
                             "..",
                             "-x",
                             "_x",
                             "\u0301a",
                             "0123456789abcdef0123456789abcdef",
                             "0123456789ABCDEF0123456789ABCDEF"}) {
    EXPECT_EQ(made(handle), "refused") << handle;
  }
}

TEST(Handle, WhatIsTakenIsTakenAgain) {
  for (const char* typed : {"Ångström", "ﾊﾝﾅ", "ＪＯＳＥ", "Straße", "ΣΊΣΥΦΟΣ", "ΝΊΚΟΣ"}) {
    const auto once = new_account_handle(typed);
    ASSERT_TRUE(once.ok()) << typed << ": " << once.error().message;
    EXPECT_EQ(made(*once), *once);
    EXPECT_EQ(mapped_handle(typed), *once);
    EXPECT_EQ(mapped_handle(*once), *once);
  }
}

TEST(Handle, ALineStaysInItsLine) {
  for (const char* line :
       {"", "Plans", "Zoë & co.", "👨‍👩‍👧 family", "❤️", "می‌خواهم",
        "क्‍ष", "שלום", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"}) {
    EXPECT_TRUE(is_plain_line(line)) << line;
  }
  for (const char* line : {"a\nb",     "a\rb",     "a\tb",       "\x1b[31m",   "\u009b31m",
                           "a\u0085b", "a\u2028b", "a\u2029b",   "\u202eevil", "\u2066x\u2069",
                           "\u200fx",  "a\u200bb", "\ufeffx",    "a\u00adb",   "\u200dx",
                           "x\u200d",  "a\u200db", "\U000E0061", "\u061cx",    "\x7f"}) {
    EXPECT_FALSE(is_plain_line(line)) << line;
  }
}

}  // namespace
}  // namespace kith
