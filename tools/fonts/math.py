#!/usr/bin/env python3
"""Makes the math font of the explainer: the characters that its formulas use, cut out of STIX Math, as WOFF2.

usage: math.py STIXMath-Regular.otf OUT.woff2      needs fontTools and Brotli (on Debian: python3-fonttools, python3-brotli)
"""
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

NAME = "Unweave Math"  # The license reserves the original's name for the original.

CHARACTERS = [
    *range(0x20, 0x7F), 0xA0,
    *map(ord, "½·×−±‖′∑∏∫√∞≠≈≤≥≪≫∈∼∝∂∇→·…⁡^¯˙"),
    *range(0x391, 0x3CA),                       # Greek, upright
    *range(0x1D434, 0x1D468), 0x210E,           # Latin, italic
    *range(0x1D6E2, 0x1D71C),                   # Greek, italic
    0x302, 0x2C6, 0x20D7,                       # accents
]


def main(source, out):
    font = TTFont(source, recalcTimestamp=False)
    options = subset.Options()
    options.flavor = "woff2"
    options.layout_features = ["ssty", "dtls", "flac", "kern"]  # what the layout of formulas asks for
    options.notdef_outline = True
    options.drop_tables += ["FFTM"]
    options.name_IDs = ["*"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=CHARACTERS)
    cutter.subset(font)
    if "MATH" not in font:
        raise SystemExit(f"{source}: it has no MATH table; take the STIX Math font of the package fonts-stix.")
    for record in font["name"].names:
        record.string = {1: NAME, 3: f"{NAME}, made from STIX Math 1.1.1", 4: NAME, 6: NAME.replace(" ", "")}.get(
            record.nameID, record.toUnicode())
    cff = font["CFF "].cff
    cff.fontNames = [NAME.replace(" ", "")]
    cff[0].FullName = cff[0].FamilyName = NAME
    subset.save_font(font, out, options)


main(*sys.argv[1:])
