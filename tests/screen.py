# SPDX-License-Identifier: Apache-2.0
"""What a terminal shows, as a picture: block characters in the colours that
were set, for a reader of QR codes."""
import os
import re
import subprocess
import tempfile

SCALE = 6  # pixels of half a character's height
BLACK, WHITE = b"\x00", b"\xff"
# Which half of a character is in the foreground's colour.
HALVES = {"\u2580": (1, 0), "\u2584": (0, 1), "\u2588": (1, 1)}
# Select Graphic Rendition (ECMA-48): what it does to (foreground, background).
COLOURS = {"0": (WHITE, BLACK), "30": (BLACK, None), "37": (WHITE, None),
           "40": (None, BLACK), "107": (None, WHITE)}


def cells(line):
    """(upper, lower) half of each character of a line."""
    ink, paper = COLOURS["0"]
    for codes, character in re.findall(r"\x1b\[([\d;]*)m|([^\x1b])", line):
        if character:
            upper, lower = HALVES.get(character, (0, 0))
            yield (ink if upper else paper), (ink if lower else paper)
            continue
        for code in codes.split(";"):
            ink_now, paper_now = COLOURS.get(code or "0", (None, None))
            ink, paper = ink_now or ink, paper_now or paper


def picture(text):
    """A portable graymap of a dark terminal with that text on it."""
    rows = [list(cells(line)) for line in text.replace("\r", "").split("\n")]
    width = max(map(len, rows))
    data = []
    for row in rows:
        row += [(BLACK, BLACK)] * (width - len(row))
        for half in (0, 1):
            line = b"".join(cell[half] * SCALE for cell in row)
            data += [line] * SCALE
    head = b"P5 %d %d 255\n" % (width * SCALE, len(data))
    return head + b"".join(data)


def read_code(text):
    """What a QR code in a terminal's text says; "" if no reader finds one."""
    with tempfile.TemporaryDirectory(prefix="postoak-") as directory:
        path = os.path.join(directory, "screen.pgm")
        with open(path, "wb") as f:
            f.write(picture(text))
        out = subprocess.run(
            ["zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable",
             "-Sqrcode.enable", path],
            capture_output=True, text=True, timeout=60)
    return out.stdout.strip()
