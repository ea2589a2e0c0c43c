#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gen_page.py - files as tables of bytes, for page.c."""

import argparse
import os

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def c_bytes(data):
    rows = [", ".join(str(b) for b in data[i:i + 20])
            for i in range(0, len(data), 20)]
    return ",\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    table = ["/* Made by gen_page.py. */"]
    entries = []
    for number, path in enumerate(sorted(options.files)):
        name = os.path.basename(path)
        with open(path, "rb") as f:
            table.append(f"static const uint8_t file_{number}[] = {{\n"
                         f"{c_bytes(f.read())}}};")
        kind = TYPES[os.path.splitext(name)[1]]
        entries.append(f'    {{"{name}", "{kind}", '
                       f"{{file_{number}, sizeof file_{number}}}}},")
    table.append("static const gw_admin_file files[] = {\n"
                 + "\n".join(entries) + "\n};\n")
    with open(options.table, "w", encoding="utf-8") as f:
        f.write("\n".join(table))


if __name__ == "__main__":
    main()
