"""How text is cut into words, and which letters are the same."""

import random
import re
from collections import defaultdict

import pytest

from logsite.records.query import fold, words
from logsite.records.query.patterns import escaped, glob_pattern, has_term, text_pattern
from logsite.records.query.words import SPACE, variants
from tests.soak import short_or_long

# The letters that have a case are below U+1F000.
CODE_POINTS = [
    chr(number) for number in range(short_or_long(0x1F000, 0x110000)) if not 0xD800 <= number < 0xE000
]


def test_each_text_has_its_words():
    texts = {
        "foo-bar": ["foo", "bar"],
        "foo_bar": ["foo_bar"],
        "10.0.0.1:80": ["10", "0", "0", "1", "80"],
        "fe80::1%eth0": ["fe80", "1", "eth0"],
        "/var/log/App.log": ["var", "log", "app", "log"],
        "C:\\Temp": ["c", "temp"],
        "user=Bob;": ["user", "bob"],
        "«Größe» ÉTÉ": ["größe", "été"],
        "错误code日志": ["错", "误", "code", "日", "志"],
        "ログ ｱ 한국": ["ロ", "グ", "ｱ", "한", "국"],
        "naïve nai\u0308ve": ["naïve", "nai\u0308ve"],
        "a\u00a0b\u2009c\u3000d": ["a", "b", "c", "d"],
        "boom!🔥boom": ["boom", "boom"],
        "": [],
    }

    assert {text: words(text) for text in texts} == texts


@pytest.mark.soak
def test_folding_keeps_the_length_and_is_the_same_twice():
    text = "".join(CODE_POINTS)
    folded = fold(text)

    assert (len(folded), fold(folded)) == (len(text), folded)


def test_the_spaces_are_those_of_pythons_expressions():
    text = "".join(map(chr, range(0x10000)))

    assert re.findall(SPACE, text) == re.findall(r"\s", text)


@pytest.mark.soak
def test_only_ascii_letters_fold_to_ascii():
    assert [letter for letter in CODE_POINTS if not letter.isascii() and fold(letter).isascii()] == []


@pytest.mark.soak
def test_the_variants_of_a_letter_are_all_that_fold_to_the_same():
    same = defaultdict(set)
    for letter in CODE_POINTS:
        if (folded := fold(letter)) != letter:
            same[folded] |= {folded, letter}

    assert [letter for letter, letters in same.items() if set(variants(letter)) != letters] == []
    assert [letter for letter in CODE_POINTS if fold(letter) not in same and variants(letter) != letter] == []


def test_letters_that_are_the_same_and_letters_that_are_not():
    same = ["Σς", "Σσ", "Åå", "ẞß", "ЖЖ", "Éé", "İİ", "Ａａ", "Ⓐⓐ"]
    different = ["ßs", "ıi", "İi", "\u212ak", "ſs", "éе", "1１"]

    assert [pair for pair in same if fold(pair[0]) != fold(pair[1])] == []
    assert [pair for pair in different if fold(pair[0]) == fold(pair[1])] == []


@pytest.mark.soak
def test_a_text_that_matches_has_the_needle_and_the_words():
    """An index that looks for these first leaves nothing out."""
    seeded = random.Random(12)
    signs = list("aAbB1_ .-:/*?ßΣς\n错é\u212aK")
    wrong = []
    for _ in range(short_or_long(1_000, 20_000)):
        text = "".join(seeded.choices(signs, k=12))
        start = seeded.randrange(12)
        term = text[start : start + seeded.randrange(1, 6)].strip(" \n")
        pattern = escaped(term)
        if seeded.random() < 0.5 and term:
            place = seeded.randrange(len(term))
            pattern = escaped(term[:place]) + seeded.choice("*?") + escaped(term[place + 1 :])
        form = text_pattern(pattern)
        matches = has_term(text, pattern)
        if matches != bool(re.search(form.python, text)) or (
            matches and not (form.needle in text.lower() and set(form.words) <= set(words(text)))
        ):
            wrong.append((text, pattern, form))

    assert wrong == []


def test_each_term_finds_what_it_should():
    table = [
        ("error", "an ERROR.", True),
        ("error", "errors", False),
        ("foo-bar", "a foo-bar b", True),
        ("foo-bar", "foo bar", False),
        ("10.0.0.1", "10.0.0.12", False),
        ("10.0.0.1", "via 10.0.0.1/24", True),
        ("[x]", "a[x]b", True),
        ("foo*", "xfoobar", False),
        ("*foo*", "xfoobar", True),
        ("*foo", "xfoo bar", True),
        ("*foo", "xfoobar", False),
        ("f*r", "foo-bar", True),
        ("f*r", "foo bar", False),
        ("f*r", "foo-bars", False),
        ("foo bar", "foo \t\n bar", True),
        ("foo* bar", "foot, bar", True),
        ("foo* bar", "foot x bar", False),
        ("a?c", "abc", True),
        ("a?c", "a c", False),
        ("?oo", "xfoo", False),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        ("a*b*c", "xa a1b2b3c", True),
        ("a*b*c", "a1b 2c", False),
        ("日志", "错误日志在", True),
    ]
    wrong = [row for row in table if has_term(row[1], row[0]) != row[2]]

    assert wrong == []


def test_a_pattern_of_a_value_takes_the_whole_of_it():
    table = [
        ("a*c", "abc", True),
        ("a*c", "ab c\nd c", True),
        ("a*c", "abcd", False),
        ("A*", "abc", False),
        ("a[b]*%_", "a[b]x%_", True),
        ("a?c", "ac", False),
        (r"a\?c", "a?c", True),
        ("*", "", True),
    ]
    wrong = [row for row in table if bool(re.match(glob_pattern(row[0]).python, row[1])) != row[2]]

    assert wrong == []
