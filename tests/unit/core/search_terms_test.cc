// The terms of a text, the meaning of a query, and the places of its words.
#include "src/search_terms.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "kith/core/limits.h"
#include "src/utf8.h"

namespace kith::search {
namespace {

std::string joined(std::string_view text) {
  std::string out;
  for (const Term& term : terms(text)) {
    if (!out.empty()) out += ' ';
    out += term.text;
  }
  return out;
}

std::string utf8(std::uint32_t c) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  const auto tail = [&](int shift) { return byte(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | (c >> 6)), tail(0)};
  if (c < 0x10000) return {byte(0xe0 | (c >> 12)), tail(6), tail(0)};
  return {byte(0xf0 | (c >> 18)), tail(12), tail(6), tail(0)};
}

bool allowed(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
         static_cast<unsigned char>(byte) >= 0x80;
}

// As "lunch time*, foo", or the name of the error.
std::string parsed(std::string_view query) {
  const auto pattern = parse(query);
  if (!pattern) return std::string(to_string(pattern.error().code));
  std::string out;
  for (const Phrase& phrase : pattern->phrases) {
    if (!out.empty()) out += ", ";
    std::string words;
    for (const std::string& term : phrase.terms) words += (words.empty() ? "" : " ") + term;
    out += words + (phrase.prefix ? "*" : "");
  }
  return out;
}

// The text with [ and ] around what is found; empty if nothing is.
std::string marked(std::string_view query, std::string_view text) {
  const auto pattern = parse(query);
  if (!pattern) return std::string(to_string(pattern.error().code));
  std::string out;
  std::size_t at = 0;
  for (const TextRange& range : find(*pattern, text)) {
    out += text.substr(at, range.begin - at);
    out += '[';
    out += text.substr(range.begin, range.size);
    out += ']';
    at = range.begin + range.size;
  }
  return at == 0 ? "" : out + std::string(text.substr(at));
}

TEST(SearchTerms, AWordIsARunOfLettersAndDigitsWithoutCase) {
  EXPECT_EQ(joined("Lunch at NOON, v1.2!"), "lunch at noon v1 2");
  EXPECT_EQ(joined("don't foo@bar a-b snake_case C++"), "don t foo bar a b snake case c");
  EXPECT_EQ(joined("п’ять пʼять п'ять"), "п ять п ять п ять");
  EXPECT_EQ(joined(""), "");
  EXPECT_EQ(joined(" \t\n.,;:!?()[]{}\"'`~@#$%^&*+=<>|\\/_-"), "");
}

TEST(SearchTerms, AccentsVowelsAndPointsAreDropped) {
  EXPECT_EQ(joined("café CAFÉ cafe\u0301"), "cafe cafe cafe");
  EXPECT_EQ(joined("Größe STRASSE straße"), "grosse strasse strasse");
  EXPECT_EQ(joined("Ёлка ёлка елка Йод"), "елка елка елка иод");
  EXPECT_EQ(joined("ΌΣΟΣ όσος"), "οσοσ οσοσ");
  EXPECT_EQ(joined("İstanbul ISTANBUL ıstanbul"), "istanbul istanbul istanbul");
  EXPECT_EQ(joined("كِتَابٌ كتــاب أب"), "كتاب كتاب اب");
  EXPECT_EQ(joined("שָׁלוֹם שלום"), "שלומ שלומ");
}

struct SamePair {
  const char* typed;
  const char* written;
};

// Each row is one thing that keyboards and habits differ in.
constexpr SamePair kPairs[] = {
    // Latin
    {"smorrebrod", "smørrebrød"},
    {"Lodz", "Łódź"},
    {"dakovo", "Đakovo"},
    {"fuss", "Fuß"},
    {"GROSSE", "GROẞE"},
    {"encyclopaedia", "encyclopædia"},
    {"coeur", "cœur"},
    {"diyarbakir", "DİYARBAKIR"},
    {"ısparta", "Isparta"},
    {"thor", "Þór"},
    {"sudurnes", "suðurnes"},
    {"Hal Qormi", "Ħal Qormi"},
    {"cahppi ruotta", "čáhppi ruoŧŧa"},
    {"gengonn", "geŋgoŋŋ"},
    {"azerbaycan", "Azərbaycan"},
    {"ijs", "ĳs"},
    {"office", "oﬃce"},
    {"fullwidth 12", "ＦｕｌｌＷｉｄｔｈ　１２"},
    // Vietnamese
    {"duong pho Ha Noi", "Đường phố Hà Nội"},
    {"dang tri", "đặng trí"},
    // Greek
    {"οδοσ", "ὉΔΌΣ"},
    {"οδός", "οδοσ"},
    {"καλημερα", "Καλημέρα"},
    {"τω", "τῷ"},
    {"αδης", "ᾍδης"},
    {"θεος", "ϑεόϲ"},
    // Cyrillic
    {"елка", "ёлка"},
    {"иод", "йод"},
    {"ганок", "ґанок"},
    {"казак", "қазақ"},
    {"отеген", "өтеген"},
    {"пять", "пять"},
    // Arabic, Persian, Urdu
    {"احمد", "أحمد"},
    {"اسلام", "إسلام"},
    {"القران", "القرآن"},
    {"اسم", "ٱسم"},
    {"مصطفي", "مصطفى"},
    {"مدرسه", "مدرسة"},
    {"موسسة", "مؤسسة"},
    {"رييس", "رئيس"},
    {"محمد", "مُحَمَّدٌ"},
    {"سلام", "ســلام"},
    {"كتاب", "کتاب"},
    {"علي", "علی"},
    {"2026", "٢٠٢٦"},
    {"2026", "۲۰۲۶"},
    {"ہے", "هي"},
    {"لا", "ﻻ"},
    // Hebrew
    {"שלום", "שָׁלוֹם"},
    {"שלומ", "שלום"},
    {"ארצ", "ארץ"},
    {"כנפ", "כנף"},
    // digits, kana
    {"42", "४२"},
    {"カメラ", "ｶﾒﾗ"},
    {"かめら", "カメラ"},
    {"ゔぁいおりん", "ヴァイオリン"},
};

// typing one finds the other.
TEST(SearchTerms, LettersThatPeopleTakeForTheSameAreTheSame) {
  for (const SamePair& pair : kPairs) {
    EXPECT_EQ(joined(pair.typed), joined(pair.written)) << pair.typed << " " << pair.written;
    EXPECT_FALSE(joined(pair.typed).empty());
  }
  // Others are not.
  for (const SamePair& pair : {SamePair{"год", "кот"}, SamePair{"ك", "ق"}, SamePair{"ב", "כ"},
                               SamePair{"つ", "っ"}, SamePair{"и", "і"}, SamePair{"ο", "ω"}}) {
    EXPECT_NE(joined(pair.typed), joined(pair.written)) << pair.typed << " " << pair.written;
  }
}

// Characters that stand for an apostrophe on some keyboard.
TEST(SearchTerms, ApostrophesAreTheSame) {
  for (const char* mark : {"'", "‘", "’", "‚", "‛", "′", "`", "´", "ʹ", "ʻ", "ʼ", "ʽ", "ˈ", "＇"}) {
    EXPECT_EQ(joined("п" + std::string(mark) + "ять don" + mark + "t"), "п ять don t") << mark;
  }
}

TEST(SearchTerms, CompatibilityFormsAreTheirPlainOnes) {
  EXPECT_EQ(joined("ＦＵＬＬ１２ ﬁne x² №5 Ⅷ 𝐁old"), "full12 fine x2 no5 viii bold");
  EXPECT_EQ(joined("ｶﾞｯｺｳ"), joined("ガッコウ"));
  EXPECT_EQ(joined("か\u3099"), "が");
  EXPECT_NE(joined("か"), joined("が"));
  EXPECT_EQ(joined("Kith™ rocks"), "kith ™ rocks");
}

TEST(SearchTerms, MarksOfOtherScriptsBelongToTheirWord) {
  EXPECT_EQ(joined("नमस्ते दुनिया"), "नमस्ते दुनिया");
  EXPECT_EQ(joined("\u0958"), joined("\u0915\u093c"));  // QA, composed or not
  // Two marks of different classes, in either order.
  EXPECT_EQ(joined("क\u093c\u0951"), joined("क\u0951\u093c"));
}

TEST(SearchTerms, WhatIsInvisibleDoesNotSeparate) {
  EXPECT_EQ(joined("soft\u00adhyphen zero\u200bwidth می\u200cخواهم a\u200eb"),
            "softhyphen zerowidth ميخواهم ab");
}

TEST(SearchTerms, DenseScriptsGivePairsAndTheLastCharacter) {
  EXPECT_EQ(joined("部"), "部");
  EXPECT_EQ(joined("部署"), "部署 署");
  EXPECT_EQ(joined("itgc部署了"), "itgc 部署 署了 了");
  EXPECT_EQ(joined("a部b"), "a 部 b");
  EXPECT_EQ(joined("吃饭，去吗"), "吃饭 饭 去吗 吗");
  EXPECT_EQ(joined("カフェー"), "かふ ふぇ ぇー ー");
  EXPECT_EQ(joined("안녕하세요"), "안녕 녕하 하세 세요 요");
  EXPECT_EQ(joined("กินข้าว"), "กิน นข้ ข้า าว ว");
  EXPECT_EQ(joined("𠀀𠀁"), "𠀀𠀁 𠀁");
}

TEST(SearchTerms, HangulIsTheSameComposedAndDecomposed) {
  EXPECT_EQ(joined("\u1112\u1161\u11ab\u1100\u1173\u11af"), "한글 글");
  EXPECT_EQ(joined("가\u11a8"), "각");
  EXPECT_EQ(joined("ㅋㅠㅋ"), "ㅋㅠ ㅠㅋ ㅋ");  // letters as they are typed make no syllable
  EXPECT_EQ(joined("\uffbb\uffbc\uffbd"), joined("ㅋㅌㅍ"));
}

TEST(SearchTerms, AnEmojiIsAWord) {
  EXPECT_EQ(joined("ok👍🏽👍great"), "ok 👍 👍 great");
  EXPECT_EQ(joined("👨‍👩‍👧"), "👨 👩 👧");
  EXPECT_EQ(joined("❤️ ❤"), "❤ ❤");
  EXPECT_EQ(joined("🇩🇪🇫🇷 🇩"), "🇩🇪 🇫🇷 🇩");
  EXPECT_EQ(joined("1️⃣Buy milk 2️⃣3️⃣ #️⃣"), "1 buy milk 2 3");
}

TEST(SearchTerms, OfALongWordTheBeginningCounts) {
  const std::string a(limits::search_term_bytes_max, 'a');
  EXPECT_EQ(joined(a + "bc d"), a + " d");
  const std::string odd = "x" + std::string(40, 'y') + "\u0436\u0436\u0436\u0436\u0436\u0436" +
                          "\u0436\u0436\u0436\u0436\u0436\u0436";
  ASSERT_EQ(terms(odd).size(), 1U);
  EXPECT_EQ(terms(odd)[0].text, odd.substr(0, 63));
  EXPECT_EQ(terms(odd)[0].source, (TextRange{0, odd.size()}));
  std::string stack = "ก";
  for (int i = 0; i < 100; ++i) stack += "\u0e31";
  for (const Term& term : terms(stack + stack)) {
    EXPECT_LE(term.text.size(), limits::search_term_bytes_max);
  }
}

TEST(SearchTerms, BytesThatAreNoTextSeparate) {
  EXPECT_EQ(joined("ab\xff"
                   "cd\xe9\x83"),
            "ab cd");
  EXPECT_EQ(joined("\xed\xa0\x80 \xc0\x80 \xf4\x90\x80\x80 x"), "x");
}

// Properties on which engines rely that split terms at spaces, and those that copy them.
TEST(SearchTerms, OfEveryCodePointTheTermsAreFewShortAndOfTheAlphabet) {
  for (std::uint32_t c = 0; c < 0x110000; ++c) {
    const std::string one = utf8(c);
    for (const std::string& text : {one, "a" + one + "b", "部" + one + "署"}) {
      const std::vector<Term> found = terms(text);
      ASSERT_LE(found.size(), text.size()) << std::hex << c;
      for (const Term& term : found) {
        ASSERT_FALSE(term.text.empty()) << std::hex << c;
        ASSERT_LE(term.text.size(), limits::search_term_bytes_max) << std::hex << c;
        ASSERT_TRUE(is_utf8(term.text)) << std::hex << c;
        for (const char byte : term.text) ASSERT_TRUE(allowed(byte)) << std::hex << c;
        // Folding a folded text does not change it.
        if (text == one && found.size() == 1) {
          ASSERT_EQ(joined(term.text), term.text) << std::hex << c;
        }
      }
    }
  }
}

std::string form(const std::string& text, int options) {
  utf8proc_uint8_t* made = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                 static_cast<utf8proc_ssize_t>(text.size()), &made,
                                 static_cast<utf8proc_option_t>(options));
  const std::string out =
      size < 0 ? text
               : std::string(reinterpret_cast<const char*>(made), static_cast<std::size_t>(size));
  std::free(made);
  return out;
}

// Keyboards and file systems differ in what they write for the same text.
TEST(SearchTerms, CanonicallyEquivalentTextsAreTheSame) {
  for (std::uint32_t c = 0x80; c < 0x30000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    for (const std::string& text : {utf8(c), "か" + utf8(c) + "か"}) {
      const std::string decomposed = form(text, UTF8PROC_DECOMPOSE | UTF8PROC_STABLE);
      ASSERT_EQ(joined(decomposed), joined(text)) << std::hex << c;
      const std::string composed = form(text, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
      ASSERT_EQ(joined(composed), joined(text)) << std::hex << c;
    }
  }
}

TEST(SearchTerms, ATermTellsWhereItStands) {
  const std::vector<Term> found = terms("Café 部署");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].source, (TextRange{0, 5}));
  EXPECT_EQ(found[1].source, (TextRange{6, 6}));
  EXPECT_EQ(found[2].source, (TextRange{9, 3}));
}

TEST(SearchQuery, WhatIsBetweenSpacesIsAPhraseAndTheLastMayBeUnfinished) {
  EXPECT_EQ(parsed("team lunch"), "team, lunch*");
  EXPECT_EQ(parsed("don't"), "don t*");
  EXPECT_EQ(parsed("v1.2 foo@bar"), "v1 2, foo bar*");
  EXPECT_EQ(parsed("lunch!"), "lunch");
  EXPECT_EQ(parsed("a\u3000b\u00a0c"), "a, b, c*");
  EXPECT_EQ(parsed("lunch 👍"), "lunch, 👍");
  EXPECT_EQ(parsed("lunch !"), "lunch");
  EXPECT_EQ(parsed("lunch "), "lunch*");
  EXPECT_EQ(parsed("no no NO no"), "no, no*");
}

TEST(SearchQuery, WhatIsBetweenQuotationMarksIsOnePhrase) {
  EXPECT_EQ(parsed("\"team lunch\""), "team lunch");
  EXPECT_EQ(parsed("\"team lunch"), "team lunch*");
  EXPECT_EQ(parsed("at\"team lunch\"no"), "at, team lunch, no*");
  EXPECT_EQ(parsed("\"\" x"), "x*");
}

TEST(SearchQuery, AnyKeyboardsQuotationMarksAreQuotationMarks) {
  for (const auto& [open, close] :
       {std::pair{"“", "”"}, std::pair{"”", "”"}, std::pair{"„", "“"}, std::pair{"‟", "”"},
        std::pair{"«", "»"}, std::pair{"»", "«"}, std::pair{"‹", "›"}, std::pair{"″", "″"},
        std::pair{"＂", "＂"}, std::pair{"「", "」"}, std::pair{"『", "』"}, std::pair{"〝", "〟"},
        std::pair{"“", "\""}}) {
    const std::string quoted = std::string(open) + "team lunch" + close;
    EXPECT_EQ(parsed(quoted), "team lunch") << quoted;
    EXPECT_EQ(parsed("at " + quoted + " no"), "at, team lunch, no*") << quoted;
    EXPECT_EQ(parsed(std::string(open) + " team lunch"), "team lunch*") << open;
    EXPECT_EQ(marked(quoted, "a team lunch"), "a [team lunch]") << quoted;
    EXPECT_EQ(marked(quoted, "lunch for the team"), "") << quoted;
  }
  for (const char* mark : {"’", "‘", "′", "ʼ"}) {
    EXPECT_EQ(parsed("don" + std::string(mark) + "t"), "don t*") << mark;
  }
  // An abbreviation of Hebrew, with a mark of its own or with the keyboard's.
  EXPECT_EQ(parsed("צה״ל"), parsed("צה\"ל"));
  EXPECT_NE(marked("צה\"ל", "דובר צה״ל מסר"), "");
}

TEST(SearchQuery, DenseScriptsAskForPairsAndForTheBeginningOfOne) {
  EXPECT_EQ(parsed("部"), "部*");
  EXPECT_EQ(parsed("\"部\""), "部*");
  EXPECT_EQ(parsed("部署"), "部署*");
  EXPECT_EQ(parsed("部署 了"), "部署, 了*");
  EXPECT_EQ(parsed("部 a"), "部*, a*");
  EXPECT_EQ(parsed("\"部署了\""), "部署 署了");
  EXPECT_EQ(parsed("a部b"), "a 部 b*");
}

TEST(SearchQuery, NothingToSearchForAndTooMuchAreRefused) {
  EXPECT_EQ(parsed(""), "INVALID_ARGUMENT");
  EXPECT_EQ(parsed(" \"*\" ( "), "INVALID_ARGUMENT");
  EXPECT_EQ(parsed(std::string(limits::search_query_bytes_max, 'a')),
            std::string(limits::search_term_bytes_max, 'a') + "*");
  EXPECT_EQ(parsed(std::string(limits::search_query_bytes_max + 1, 'a')), "TOO_LARGE");
  std::string many;
  for (std::size_t i = 0; i < limits::search_terms_max; ++i) many += "a ";
  EXPECT_TRUE(parse(many).ok());
  EXPECT_EQ(parsed(many + "a"), "LIMIT_EXCEEDED");
}

TEST(SearchFind, MarksEveryOccurrence) {
  EXPECT_EQ(marked("lunch", "Lunch? Team LUNCH!"), "[Lunch]? Team [LUNCH]!");
  EXPECT_EQ(marked("lun", "lunch"), "[lun]ch");
  EXPECT_EQ(marked("cafe", "Café, cafe\u0301s"), "[Café], [cafe\u0301]s");
  EXPECT_EQ(marked("don't", "I don't"), "I [don't]");
  EXPECT_EQ(marked("team lunch", "lunch of the team"), "[lunch] of the [team]");
  EXPECT_EQ(marked("\"team lunch\"", "lunch of the team"), "");
  EXPECT_EQ(marked("\"lun\"", "lunch"), "");
  EXPECT_EQ(marked("fi", "ﬁne"), "[ﬁ]ne");
  EXPECT_EQ(marked("f", "ﬁne"), "[ﬁ]ne");
}

TEST(SearchFind, MarksTheCharactersThatWereAskedFor) {
  EXPECT_EQ(marked("部署", "我们部署了部署"), "我们[部署]了[部署]");
  EXPECT_EQ(marked("部", "我们部署了"), "我们[部]署了");
  EXPECT_EQ(marked("署", "我们部署"), "我们部[署]");
  EXPECT_EQ(marked("哈哈", "哈哈哈 哈"), "[哈哈哈] 哈");
  EXPECT_EQ(marked("안녕", "안녕하세요"), "[안녕]하세요");
  EXPECT_EQ(marked("ก", "กิน"), "[กิ]น");
  EXPECT_EQ(marked("👍", "ok👍🏽!"), "ok[👍🏽]!");
  EXPECT_EQ(marked("👩", "👨‍👩‍👧"), "👨‍[👩]‍👧");
}

TEST(SearchFind, SpellingsThatOtherSearchLanguagesKnowFindThemselves) {
  for (const char* text :
       {"C++",       "don't", "v1.2",    "foo@bar", "a-b", "AND", "OR",  "NOT",
        "NEAR(a b)", "foo(",  "col:foo", "x*",      "^x",  "\"x", "x\"", "{a b}: c",
        "a + b",     "-x",    "'x",      "x;--",    "\\x", "%x_"}) {
    EXPECT_NE(marked(text, text), "") << text;
    EXPECT_NE(marked(text, std::string("see ") + text + ", ok?"), "") << text;
  }
}

}  // namespace
}  // namespace kith::search
