"""What a person sees of a device's output: escape codes, backspaces and carriage returns applied.

Written after ECMA-48 and xterm's control sequences, as far as command lines use them. Nothing that was once to be
read is taken away by scrolling or by clearing the screen.
"""

import re

HEIGHT = 200  # rows that the cursor can go back to
WIDTH = 511  # columns that a code can send the cursor to; what is simply written may be longer
LONGEST_ROW = 4096  # characters of a row that the cursor can go back over
LONGEST_CODE = 1024  # characters

_CSI = r"(?:\x1b\[|\x9b)(?P<private>[<=>?]?)(?P<numbers>[0-9;:]*)[ -/]*(?P<final>[@-~])"  # ESC [ 1;32 m
_STRING = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n\r]*(?:\x07|\x1b\\|\x9c)"  # ESC ] 0;title BEL
_SHORT = r"\x1b[ -/]+[0-~]|\x1b(?P<short>[0-Z\\`-~])"  # ESC ( B, ESC 7
_CONTROL = r"\x08+|\r+|[\x00-\x07\x0b-\x0c\x0e-\x1f\x7f-\x9f]"
CODE = re.compile(f"{_CSI}|{_STRING}|{_SHORT}")  # all but single characters
ANY_CODE = re.compile(f"{_CSI}|{_STRING}|{_SHORT}|{_CONTROL}")
BEGIN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
UNFINISHED = re.compile(
    r"(?:(?:\x1b\[|\x9b)[0-?]*[ -/]*|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n\r]*\x1b?|\x1b[ -/]*)\Z"
)


def unfinished(text: str) -> int:
    """Where a code begins that is cut off at the end of `text`; its length where none is."""
    found = UNFINISHED.search(text, max(0, len(text) - LONGEST_CODE))
    return found.start() if found else len(text)


def seen(text: str) -> str:
    """The whole of `text` as a person sees it."""
    screen = Screen()
    screen.feed(text)
    return screen.text()


class Screen:
    """Rows that grow downwards. `size` is how many characters were written, blanks that codes put in among them."""

    def __init__(self) -> None:
        self.size = 0
        self._out_of_reach: list[str] = []  # text of rows, each with its line feed
        self._gone = 0  # how many those are
        self._rows = [""]
        self._row = self._column = 0
        self._typed_over = False  # the cursor's row; only such a row loses the blanks at its end
        self._placed: int | None = None  # the row that a code has named last
        self._kept: tuple[int, int, int | None] = (0, 0, None)

    @property
    def last(self) -> str:
        """The row with the cursor."""
        return self._rows[self._row]

    def text(self) -> str:
        self._leave()
        return "".join(self._out_of_reach) + "\n".join(self._rows)

    def place(self) -> tuple[int, int]:
        """The terminal cursor's row and that row's length; give it to `since` for what came after."""
        return self._gone + self._row, len(self.last)

    def since(self, place: tuple[int, int]) -> str | None:
        """What stands behind `place`; None when that is out of reach."""
        row, column = place[0] - self._gone, place[1]
        if not 0 <= row < len(self._rows):
            return None
        return "\n".join([self._rows[row][column:], *self._rows[row + 1 :]])

    def feed(self, text: str) -> None:
        """Write `text`; a code in it is whole."""
        text = text.replace("\r\n", "\n")  # most of them by far
        position = 0
        while begin := BEGIN.search(text, position):
            if begin.start() > position:
                self._write(text[position : begin.start()])
            code = ANY_CODE.match(text, begin.start())
            assert code is not None  # a single character is one, too
            self._obey(code)
            position = code.end()
        self._write(text[position:])

    def _write(self, text: str) -> None:
        first, *rows = text.split("\n")
        if first:
            self._put(first)
        for row in rows:
            self._line_feed()
            if row:
                self._put(row)

    def _put(self, text: str) -> None:
        row, column = self._rows[self._row], self._column
        self.size += len(text)
        self._column += len(text)
        if column == len(row):
            self._rows[self._row] = row + text
        else:
            self.size += max(0, column - len(row))
            self._typed_over |= column < len(row)
            self._rows[self._row] = row.ljust(column)[:column] + text + row[self._column :]
        if self._column > LONGEST_ROW:
            above, row = self._rows[: self._row], self._rows[self._row]
            self._out_of_reach.append("\n".join([*above, row[: self._column]]))
            self._rows[: self._row + 1] = [row[self._column :]]
            self._gone += self._row + 1
            self._row = self._column = 0

    def _line_feed(self) -> None:
        self._leave()
        self.size += 1
        self._row, self._column = self._row + 1, 0
        if self._row == len(self._rows):
            self._rows.append("")
        if self._row >= 2 * HEIGHT:
            self._out_of_reach.append("\n".join(self._rows[:HEIGHT]) + "\n")
            del self._rows[:HEIGHT]
            self._gone += HEIGHT
            self._row -= HEIGHT

    def _leave(self) -> None:
        """The cursor's row is done, for now."""
        if self._typed_over:
            self._rows[self._row] = self._rows[self._row].rstrip(" ")
            self._typed_over = False

    def _go_to_row(self, row: int) -> None:
        self._leave()
        self._row = min(max(row, 0), len(self._rows) - 1)

    # --- codes ---

    def _obey(self, code: re.Match[str]) -> None:
        sign = code[0][0]
        if code["final"]:
            if not code["private"]:
                numbers = [int(number) for number in re.findall(r"[0-9]{1,4}", code["numbers"])]
                self._sequence(code["final"], numbers)
        elif sign == "\x08":
            self._column = max(0, self._column - len(code[0]))
        elif sign == "\r":
            self._column = 0
        elif sign in "\x0b\x0c\x84\x85" or code["short"] in ("D", "E"):
            self._line_feed()
        elif code["short"] == "7":
            self._keep()
        elif code["short"] == "8":
            self._restore()

    def _sequence(self, final: str, numbers: list[int]) -> None:
        count = max(1, numbers[0]) if numbers else 1
        if final in "HfEL":
            self._move_down(final, numbers, count)
        elif final in "ABF":
            self._go_to_row(self._row + (count if final == "B" else -count))
            self._column = 0 if final == "F" else self._column
        elif final in "CDG`":
            column = {"C": self._column + count, "D": self._column - count}.get(final, count - 1)
            self._column = max(0, min(column, max(WIDTH, self._column)))
        elif final == "s":
            self._keep()
        elif final == "u":
            self._restore()
        elif final in "KJP@X":
            self._change(final, numbers[0] if numbers else 0, min(count, WIDTH))

    def _move_down(self, final: str, numbers: list[int], count: int) -> None:
        """To a row by its number, to the next line, or with lines put in, which some switches do for a line feed.

        Upwards there is a new row: what stands there was to be read once.
        """
        if final in "EL":
            for _ in range(min(count, HEIGHT)):
                self._line_feed()
            return
        row = count
        if self._placed not in (None, row) and self.last:
            self._go_to_row(self._row if row > (self._placed or 0) else len(self._rows) - 1)
            for _ in range(max(1, min(row - (self._placed or 0), HEIGHT))):
                self._line_feed()
        self._placed = row
        self._column = min(max(1, numbers[1]) - 1 if len(numbers) > 1 else 0, WIDTH)

    def _change(self, final: str, which: int, count: int) -> None:
        """Erase, delete or put in, on the cursor's row."""
        row, column = self._rows[self._row], self._column
        if final == "J" and which >= 2:  # a new page
            self._go_to_row(len(self._rows) - 1)
            if self.last:
                self._line_feed()
            return
        if final in "KJ":
            changed = {0: row[:column], 1: " " * (column + 1) + row[column + 1 :], 2: ""}.get(which, row)
            if final == "J" and which == 0:
                del self._rows[self._row + 1 :]
        else:
            kept = row[column:] if final == "@" else row[column + count :]
            changed = row[:column] + ("" if final == "P" else " " * count) + kept
        if len(changed) > max(LONGEST_ROW, len(row)):
            return
        self.size += max(0, len(changed) - len(row))
        self._rows[self._row] = changed
        self._typed_over = True

    def _keep(self) -> None:
        self._kept = (self._row, self._column, self._placed)

    def _restore(self) -> None:
        row, self._column, self._placed = self._kept
        self._go_to_row(row)
