"""Takes a file apart into code and prose: blanks one or the other, and joins the lines of comments and paragraphs."""

import io
import re
import tokenize
from collections.abc import Iterator

COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^()\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.S)


def blank(match: re.Match) -> str:
    text = match.group(0)
    inner = re.sub(r"[^\n]", " ", text)
    return inner if text.startswith("/") else '"' + inner[1:-1] + '"'


def code_of(text: str) -> str:
    """The text with comments and the insides of literals blanked; lines and columns stay."""
    return COMMENT_OR_STRING.sub(blank, text)


def without_comments(text: str) -> str:
    return COMMENT_OR_STRING.sub(lambda match: blank(match) if match.group(0).startswith("/") else match.group(0), text)


FENCED = re.compile(r"^```.*?^```$", re.S | re.M)


def prose_of(text: str) -> str:
    """The document with its code blanked; lines stay."""
    text = FENCED.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)
    return re.sub(r"`[^`\n]*`", lambda match: " " * len(match.group(0)), text)


Comment = tuple[int, int, str, bool]  # line, column, text, whether it has its lines to itself


def slash_comments(text: str) -> Iterator[Comment]:
    for match in COMMENT_OR_STRING.finditer(text):
        if match.group(0).startswith("//"):
            begin = text.rfind("\n", 0, match.start()) + 1
            alone = not text[begin:match.start()].strip()
            yield text.count("\n", 0, begin) + 1, match.start() - begin, match.group(0)[2:], alone


def hash_comments(text: str) -> Iterator[Comment]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"(.*?)(?:^|(?<=\s))#(?![!\w{$(])(.*)", line):
            yield number, len(match.group(1)), match.group(2), not match.group(1).strip()


DOCSTRING = re.compile(r"""^\w*(\"{3}|'{3}|"|')|(\"{3}|'{3}|"|')$""")


def python_comments(text: str) -> Iterator[Comment]:
    before = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        line, column = token.start
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            yield line, column, token.string[1:], not token.line[:column].strip()
        elif token.type == tokenize.STRING and before in (None, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            for offset, part in enumerate(DOCSTRING.sub("", token.string).splitlines()):
                yield line + offset, column, part, True
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.type


def comments(path: str, text: str) -> Iterator[Comment]:
    if path.endswith((".h", ".cc", ".proto")):
        return slash_comments(text)
    if path.endswith(".py"):
        return python_comments(text)
    if path.endswith((".sh", ".cmake", "CMakeLists.txt")) or path.startswith("tools/"):
        return hash_comments(text)
    return iter(())


Lines = list[tuple[int, str]]
SNIPPET_MARK = re.compile(r"\s*\[/?\w+\]$")
RULER = re.compile(r"\s*\|? *:?-{3}")


def comment_passages(path: str, text: str) -> Iterator[Lines]:
    passage: Lines = []
    last = (0, 0)
    for line, column, words, alone in comments(path, text):
        if not words.strip() or SNIPPET_MARK.match(words):
            last = (0, 0)
            continue
        if not (alone and (line - 1, column) == last):
            yield passage
            passage = []
        passage.append((line, words))
        last = (line, column)
    yield passage


def document_passages(text: str) -> Iterator[Lines]:
    """Paragraphs, list items and cells; not headings, heads of tables and the first cells of rows, which are labels."""
    text = re.sub(r"<!--.*?-->", lambda match: re.sub(r"[^\n]", " ", match.group(0)), text, flags=re.S)
    lines = prose_of(text).splitlines()
    passage: Lines = []
    for number, line in enumerate(lines, 1):
        head = line.startswith("|") and number < len(lines) and RULER.match(lines[number])
        item = re.match(r"\s*([-*]|\d+\.) +", line)
        if head or item or not line.strip() or line.startswith(("#", "|")) or RULER.match(line):
            yield passage
            passage = []
        if line.startswith("|") and not head:
            yield from ([(number, cell)] for cell in line.strip("| ").split("|")[1:])
        elif line.strip() and not line.startswith(("#", "|")) and not RULER.match(line):
            passage.append((number, line[item.end():] if item else line))
    yield passage


def passages(path: str, text: str) -> Iterator[Lines]:
    found = document_passages(text) if path.endswith(".md") else comment_passages(path, text)
    return (passage for passage in found if passage)
