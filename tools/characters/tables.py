"""Writes the tables of src/Unweave/Characters from the Unicode Character Database.

    python3 tools/characters/tables.py /usr/share/unicode src/Unweave/Characters

The database is Debian's package unicode-data. CanonicalMappings.cs is of the same database, one version before.
"""
import pathlib
import re
import sys
import textwrap

database, target = map(pathlib.Path, sys.argv[1:])


def lines(name):
    for line in (database / name).read_text("utf-8").splitlines():
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) > 1:
            yield fields


def span(field):
    first, _, last = field.partition("..")
    return int(first, 16), int(last or first, 16)


def ranges(points):
    found = []
    for point in sorted(points):
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return [f"{first:X}" if first == last else f"{first:X}-{last:X}" for first, last in found]


def constant(summary, name, entries):
    body = "\n".join(textwrap.wrap(" ".join(entries), 128, break_on_hyphens=False))
    return (f"    /// <summary>{summary}</summary>\n    public const string {name} =\n"
            + textwrap.indent(f'"""\n{body}\n""";', " " * 8) + "\n")


def write(name, summary, members):
    text = f"namespace Unweave.Characters;\n\n/// <summary>\n{textwrap.indent(textwrap.fill(summary, 132), '/// ')}\n/// </summary>\n"
    text += f"internal static class {name}\n{{\n" + "\n".join(members) + "}\n"
    (target / f"{name}.cs").write_text(text, "utf-8")


version = re.search(r"-(\d+\.\d+\.\d+)\.txt", (database / "auxiliary/WordBreakProperty.txt").read_text("utf-8")).group(1)
made = "Written by tools/characters/tables.py."

# Compatibility mappings, one step each; a range whose mappings ascend with it is one entry.
mappings = {}
for fields in lines("UnicodeData.txt"):
    if fields[5].startswith("<"):
        mappings[int(fields[0], 16)] = [int(part, 16) for part in fields[5].split("> ")[1].split()]
entries, points = [], sorted(mappings)
while points:
    first = points.pop(0)
    last = first
    while (len(mappings[first]) == 1 and points and points[0] == last + 1
            and mappings[points[0]] == [mappings[first][0] + points[0] - first]):
        last = points.pop(0)
    side = f"{first:X}" if first == last else f"{first:X}-{last:X}"
    entries.append(f"{side}:{'+'.join(f'{part:X}' for part in mappings[first])}")
write("CompatibilityMappings",
      f"The compatibility mappings of the Unicode Character Database, version {version}: what <see cref=\"NormalForm\"/> works from. "
      f"{made}",
      [constant("Code points in hexadecimal, each with what it stands for; a range stands for as many code points in order.",
                "Mappings", entries)])

# Word_Break, and the pictographs that rule WB3c needs.
classes = {}
for field, name, *_ in lines("auxiliary/WordBreakProperty.txt"):
    first, last = span(field)
    classes.setdefault(name, set()).update(range(first, last + 1))
pictographs = set()
for field, name, *_ in lines("emoji/emoji-data.txt"):
    if name == "Extended_Pictographic":
        first, last = span(field)
        pictographs.update(range(first, last + 1))
members = []
for name in sorted(classes):
    if name in ("CR", "LF", "Newline", "Single_Quote", "Double_Quote", "ZWJ"):
        continue  # named in the code
    members.append(constant(f"Code points of class {name}.", name.replace("_", ""), ranges(classes[name])))
members.append(constant("Code points that are Extended_Pictographic.", "Pictographs", ranges(pictographs)))
write("WordBreakTables",
      f"The property Word_Break of the Unicode Character Database, version {version}: what <see cref=\"WordBreaks\"/> works from. "
      f"Classes of one or two code points are in the code. {made}", members)
for name in ("CR", "LF", "Newline", "Single_Quote", "Double_Quote", "ZWJ"):
    print(name, ranges(classes[name]), file=sys.stderr)
