// Terms in a real index: FTS5 finds with them the same as find() marks, any part of a
// sentence without spaces is found, no query is an error, and the index stays small.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/search_terms.h"
#include "src/utf8.h"

namespace kith::search {
namespace {

std::string document(std::string_view text) {
  std::string out;
  for (const Term& term : terms(text)) {
    if (!out.empty()) out += ' ';
    out += term.text;
  }
  return out;
}

std::string expression(const Pattern& pattern) {
  std::string out;
  for (const Phrase& phrase : pattern.phrases) {
    if (!out.empty()) out += " AND ";
    std::string words;
    for (const std::string& term : phrase.terms) words += (words.empty() ? "\"" : " ") + term;
    out += words + "\"" + (phrase.prefix ? " *" : "");
  }
  return out;
}

// An FTS5 table as client and server have one: it knows the terms, and not the texts.
class Index {
 public:
  Index() {
    sqlite3_open(":memory:", &db_);
    run("CREATE VIRTUAL TABLE f USING fts5(t, content='', tokenize='ascii')");
    insert_ = prepared("INSERT INTO f(rowid, t) VALUES(?1, ?2)");
    match_ = prepared("SELECT rowid FROM f WHERE f MATCH ?1");
  }
  ~Index() {
    sqlite3_finalize(insert_);
    sqlite3_finalize(match_);
    sqlite3_close(db_);
  }
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  void run(const char* sql) {
    EXPECT_EQ(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db_);
  }

  void add(std::size_t row, const std::string& terms) {
    sqlite3_bind_int64(insert_, 1, static_cast<sqlite3_int64>(row));
    sqlite3_bind_text(insert_, 2, terms.data(), static_cast<int>(terms.size()), SQLITE_STATIC);
    EXPECT_EQ(sqlite3_step(insert_), SQLITE_DONE) << sqlite3_errmsg(db_);
    sqlite3_reset(insert_);
  }

  std::set<std::size_t> matching(const Pattern& pattern) {
    const std::string match = expression(pattern);
    sqlite3_bind_text(match_, 1, match.data(), static_cast<int>(match.size()), SQLITE_STATIC);
    std::set<std::size_t> rows;
    int result = SQLITE_ROW;
    while ((result = sqlite3_step(match_)) == SQLITE_ROW) {
      rows.insert(static_cast<std::size_t>(sqlite3_column_int64(match_, 0)));
    }
    EXPECT_EQ(result, SQLITE_DONE) << match << ": " << sqlite3_errmsg(db_);
    sqlite3_reset(match_);
    return rows;
  }

  std::size_t bytes() {
    sqlite3_stmt* sum = prepared("SELECT sum(length(block)) FROM f_data");
    EXPECT_EQ(sqlite3_step(sum), SQLITE_ROW);
    const auto size = static_cast<std::size_t>(sqlite3_column_int64(sum, 0));
    sqlite3_finalize(sum);
    return size;
  }

 private:
  sqlite3_stmt* prepared(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db_);
    return statement;
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* match_ = nullptr;
};

using Numbers = std::mt19937_64;

template <class T, std::size_t N>
const T& any_of(Numbers& numbers, const T (&list)[N]) {
  return list[numbers() % N];
}

// Few of each kind, so that texts share them: letters with and without accents, composed and not,
// dense scripts, emoji sequences, what separates, what is dropped, and bytes that are no text.
constexpr std::string_view kPieces[] = {
    "a",       "A",        "b",  "é",        "e\u0301",     "ß",      "s",
    "ﬁ",       "1",        "２", "½",        "ж",           "ё",      "ب",
    "ب\u064b", "नि",       "部", "署",       "了",          "㍿",     "か",
    "が",      "ｶ",        "ｶﾞ", "か\u3099", "ー",          "한",     "글",
    "\u1112",  "\u1161",   "ㅋ", "ก",        "กิ",           "น้ำ",     "ก\u0e49\u0e34",
    "ลา",      "အိ",        "👍",  "👍🏽", "👩‍👧", "❤️", "🇩🇪",
    "🇩",       "1️⃣",  "™",  " ",        " ",           " ",      "\u3000",
    "\"",      "'",        "-",  "。",       "\u200d",      "\u00ad", "*",
    "\xff",    "\xe9\x83", "\n", "_",        "“",           "”",      "«",
    "’",       "ø",        "æ",  "ς",        "ᾳ",           "ك",      "ک",
    "م",       "ם",        "צ״", "٣",        "カ",          "๓",      "ʼ"};

constexpr std::string_view kReal[] = {
    "Lunch tomorrow at the café? I can't before 12:30",
    "itgc部署了吗？我们明天去吃饭，然后看电影",
    "東京タワーの近くでランチしませんか。ｶﾌｪがいいです",
    "안녕하세요 오늘 점심 같이 먹을래요? ㅋㅋㅋ",
    "พรุ่งนี้ไปกินข้าวกันไหม ร้านน้ำชา",
    "ພົບກັນມື້ອື່ນ ເວລາທ່ຽງ",
    "ថ្ងៃស្អែកជួបគ្នា",
    "မနက်ဖြန်တွေ့မယ်",
    "བོད་ཡིག་ཤེས་ཀྱི་ཡོད",
    "Größe XL, v1.2-rc3 см. ёлка — цена 20℃ №5",
    "من فردا می‌خواهم كِتَاب را بخوانم",
    "कल दोपहर मिलते हैं",
    "👍🏽 👨‍👩‍👧 🇩🇪🇫🇷 1️⃣",
};

std::string random_text(Numbers& numbers, std::size_t pieces_max) {
  std::string text;
  for (std::size_t left = numbers() % pieces_max + 1; left > 0; --left) {
    text += numbers() % 40 == 0 ? any_of(numbers, kReal) : any_of(numbers, kPieces);
  }
  return text;
}

// A piece of one of the texts, or something of its own.
std::string random_query(Numbers& numbers, const std::vector<std::string>& texts) {
  if (numbers() % 4 == 0) return random_text(numbers, 5);
  const std::string& text = texts[numbers() % texts.size()];
  const std::size_t begin = numbers() % text.size();
  std::string query = text.substr(begin, numbers() % 24 + 1);
  if (numbers() % 8 == 0) query = "\"" + query + "\"";
  return query;
}

void check(const std::vector<TextRange>& ranges, const std::string& text) {
  std::size_t behind = 0;
  for (const TextRange& range : ranges) {
    ASSERT_GT(range.size, 0U);
    ASSERT_TRUE(range.begin > behind || behind == 0);
    behind = range.begin + range.size;
    ASSERT_LE(behind, text.size());
  }
}

void agree(std::uint64_t seed, std::size_t text_count, std::size_t query_count) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Numbers numbers(seed);
  Index index;
  std::vector<std::string> texts(std::begin(kReal), std::end(kReal));
  while (texts.size() < text_count) texts.push_back(random_text(numbers, 12));
  for (std::size_t row = 0; row < texts.size(); ++row) index.add(row, document(texts[row]));
  std::size_t hits = 0;
  for (std::size_t i = 0; i < query_count; ++i) {
    const std::string query = random_query(numbers, texts);
    const auto pattern = parse(query);
    if (!pattern) continue;
    const std::set<std::size_t> expected = index.matching(*pattern);
    for (std::size_t row = 0; row < texts.size(); ++row) {
      const std::vector<TextRange> ranges = find(*pattern, texts[row]);
      check(ranges, texts[row]);
      ASSERT_EQ(!ranges.empty(), expected.contains(row))
          << "query " << query << " as " << expression(*pattern) << "\ntext " << texts[row]
          << " as " << document(texts[row]);
    }
    hits += expected.size();
  }
  EXPECT_GT(hits, query_count);  // the comparison is of something
}

// Letters with their marks, and none of the marks that the test need not know.
std::vector<std::string> characters(std::string_view text, const std::set<std::string>& marks) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    const std::string one(text.substr(at, end - at));
    if (marks.contains(one) && !out.empty()) {
      out.back() += one;
    } else {
      out.push_back(one);
    }
    at = end;
  }
  return out;
}

TEST(SearchTermsSqlite, AnIndexFindsWhatFindMarks) {
  agree(1, 250, 1'500);
}

void expect_found(Index& index, std::string_view text, const std::string& query) {
  const auto pattern = parse(query);
  ASSERT_TRUE(pattern.ok()) << query;
  EXPECT_FALSE(find(*pattern, text).empty()) << query << " in " << text;
  EXPECT_EQ(index.matching(*pattern), std::set<std::size_t>{1}) << expression(*pattern);
}

// One to four characters from each place on, as they are typed and as a finished phrase.
TEST(SearchTermsSqlite, EveryPartOfASentenceWithoutSpacesIsFound) {
  std::set<std::string> marks;  // of Thai; the other texts have none
  for (const char* mark : {"ั", "ิ", "ี", "ึ", "ื", "ุ", "ู", "็", "่", "้", "๊", "๋", "์"}) marks.insert(mark);
  std::size_t parts = 0;
  for (const std::string_view text :
       {"我们明天去吃饭，然后看电影𠀀𠀁了", "東京タワーの近くでランチしませんか。ガッコウ",
        "안녕하세요 오늘 점심", "พรุ่งนี้ไปกินข้าวกันไหม ร้านน้ำชา", "哈哈哈哈"}) {
    Index index;
    index.add(1, document(text));
    const std::vector<std::string> all = characters(text, marks);
    for (std::size_t from = 0; from < all.size(); ++from) {
      std::string part;
      for (std::size_t count = 1; count <= 4 && from + count <= all.size(); ++count) {
        part += all[from + count - 1];
        if (terms(part).empty()) continue;  // nothing but what separates
        ++parts;
        expect_found(index, text, part);
        expect_found(index, text, "\"" + part + "\"");
        expect_found(index, text, part + " " + all.front());
      }
    }
  }
  EXPECT_GT(parts, 250U);
}

TEST(SearchTermsSqlite, WhereScriptsMeetBothSidesAreFound) {
  constexpr std::string_view kText = "在ＡＢ部署v2之后，ｶﾞｯｺｳ";
  Index index;
  index.add(1, document(kText));
  for (const char* query : {"在", "在a", "在ab", "ab部", "AB部署", "部署v", "部署V2", "v2之",
                            "v2之后", "部署 之后 ガッコウ", "ガ", "ｯｺ", "\"在ab部\"", "\"v2之\""}) {
    expect_found(index, kText, query);
  }
  EXPECT_TRUE(index.matching(*parse("カ")).empty());
  EXPECT_TRUE(index.matching(*parse("\"在a\"")).empty());
}

TEST(SearchTermsSqlite, WhatOtherQueryLanguagesMeanFindsItself) {
  for (const char* text :
       {"C++", "don't", "v1.2", "foo@bar", "a-b", "AND", "OR", "NOT", "foo(", "col:foo",
        "NEAR(a b)", "x*", "^x", "\"x", "t : x", "{t} : x", "a + b", "-x", "';--x"}) {
    Index index;
    index.add(1, document(std::string("see ") + text + ", or not"));
    const auto pattern = parse(text);
    ASSERT_TRUE(pattern.ok()) << text;
    EXPECT_EQ(index.matching(*pattern).size(), 1U) << text;
  }
}

// Any bytes, many of them those that mean something to FTS5.
void never_fails(std::size_t count) {
  Numbers numbers(2);
  Index index;
  std::size_t row = 0;
  for (const std::string_view text : kReal) index.add(++row, document(text));
  std::size_t asked = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::string query;
    for (std::size_t left = numbers() % 20 + 1; left > 0; --left) {
      switch (numbers() % 4) {
        case 0:
          query += static_cast<char>(numbers());
          break;
        case 1:
          query += "\"*()^:+-{} ANDORT"[numbers() % 17];
          break;
        case 2:
          query += static_cast<char>('a' + numbers() % 26);
          break;
        default:
          query += any_of(numbers, kPieces);
      }
    }
    const auto pattern = parse(query);
    if (!pattern) continue;
    index.matching(*pattern);
    ++asked;
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(asked, count / 2);
}

TEST(SearchTermsSqlite, NoQueryIsAnError) {
  never_fails(50'000);
}

// Half of the texts are Han with the frequencies of a language (Zipf's law over 3,000 characters),
// half are Latin words.
TEST(SearchTermsSqlite, TheIndexIsAtMostTwiceTheText) {
  Numbers numbers(3);
  const auto zipf = [&](double ranks) {
    const double u = static_cast<double>(numbers() >> 11) * 0x1p-53;
    return static_cast<std::uint32_t>(std::pow(ranks, u)) - 1;
  };
  Index index;
  std::size_t raw = 0;
  index.run("BEGIN IMMEDIATE");
  for (std::size_t row = 0; row < 20'000; ++row) {
    std::string text;
    if (row % 2 == 0) {
      for (std::size_t left = numbers() % 30 + 5; left > 0; --left) {
        const std::uint32_t c = 0x4e00 + zipf(3'000) * 7 % 20'000;
        text += static_cast<char>(0xe0 | (c >> 12));
        text += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
        text += static_cast<char>(0x80 | (c & 0x3f));
        if (numbers() % 12 == 0) text += "，";
      }
    } else {
      for (std::size_t left = numbers() % 14 + 3; left > 0; --left) {
        Numbers letters(zipf(8'000));
        for (std::size_t n = letters() % 8 + 1; n > 0; --n)
          text += static_cast<char>('a' + letters() % 26);
        text += ' ';
      }
    }
    raw += text.size();
    index.add(row, document(text));
  }
  index.run("COMMIT");
  std::printf("%zu bytes of text, %zu of index: %.2f\n", raw, index.bytes(),
              static_cast<double>(index.bytes()) / static_cast<double>(raw));
  EXPECT_LE(index.bytes(), 2 * raw);
}

TEST(LongSearch, AnIndexFindsWhatFindMarksForManySeeds) {
  for (std::uint64_t seed = 100; seed < 150; ++seed) agree(seed, 250, 2'000);
}

TEST(LongSearch, AMillionQueriesAreNoError) {
  never_fails(1'000'000);
}

}  // namespace
}  // namespace kith::search
