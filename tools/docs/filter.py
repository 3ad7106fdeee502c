#!/usr/bin/env python3
"""Shows doxygen a header as people read it: a comment holds for all functions below it, up to a blank line or another
comment, of a class for those of the same name; and one at the end of a line or above it for all names on the line.
Lines keep their numbers.

Copies, moves, iteration and what CHAINRULE_MEMBERS stands for are left out: there is nothing to say.
"""
import re
import sys

SCOPE = re.compile(r"^(template .*> )?(inline )?(namespace|class|struct|union|enum)\b[^;()]*\{$|^(class|struct)\b.*\{$")
UNTOLD = re.compile(
    r"=\s*(default|delete);|\bmembers\(\)|\bmember_names\(\)|^CHAINRULE_MEMBERS|^(?:template <[^>]*> )?friend |^static_assert|^extern template"
    r"|^~|^(\w+)\((const )?\2&&?( other)?\)|^(\w+)& operator=\((const )?\5&&?|^using (value_type|difference_type)"
    r"|operator\+\+\(|operator==\(End\)|^(const )?\w+[&*]? operator(\*|->)\(\) const|^[\w:]+[&*]? (begin|end)\(\)|^const [\w:]+\* (begin|end)\(\)"
)
VARIABLES = re.compile(r"^((?:static |constexpr |mutable |const )*[\w:]+(?:<[^()]*?>)?(?: const)?[&*]? )(\w+(?: = [^,;]+| ?\{[^;]*\})?(?:, \w+(?: = [^,;]+)?)+);$")

# What a function is called: before the first bracket that is no part of a template's arguments.
NAME = re.compile(r"(operator *(?:\(\)|[^\w\s(]+)|\b[A-Za-z_]\w*)\(")


def split_names(text):
    """The declarators of "a = f(1, 2), b": commas within brackets separate nothing."""
    names, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += c in "({[<"
        depth -= c in ")}]>"
        if c == "," and depth == 0:
            names.append(text[start:i].strip())
            start = i + 1
    return names + [text[start:].strip()]


def first_paragraph(comment):
    lines = []
    for line in comment:
        words = line[3:]
        if not words.strip() or words.startswith("     "):
            break
        lines.append(words.strip())
    return " ".join(lines)


def filtered(lines):
    comment, held = [], ("", "")  # the comment being read; what is told of the functions above, and their name
    in_class = [False]  # for each scope around
    statement, depth = [], 0  # the declaration being read, in lines
    for number, line in enumerate(lines):
        bare = line.strip()
        code = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])\'', '""', bare)
        trailing = ""
        if "///<" in code:
            trailing = bare[bare.index("///<") + 4:].strip()
        code = code.split("//")[0].rstrip()
        if not statement:
            if bare.startswith("///"):
                comment.append(bare)
                continue
            if not bare:
                comment, held = [], ("", "")
                continue
            if not code or code.startswith("#") or re.match(r"^(public|protected|private):$", code):
                if not bare.startswith("#"):
                    comment, held = [], ("", "") if code else held
                continue
            if re.match(r"^\}", code):
                in_class.pop()
                comment, held = [], ("", "")
                continue
            if SCOPE.match(code) and not code.endswith("};"):
                in_class.append("namespace" not in code)
                comment, held = [], ("", "")
                continue
        if not statement:
            first = number
        statement.append(code)
        if len(statement) > 1 and SCOPE.match(" ".join(statement)):  # a template
            in_class.append(True)
            comment, held, statement = [], ("", ""), []
            continue
        depth += code.count("{") + code.count("(") - code.count("}") - code.count(")")
        if depth > 0 or not re.search(r"[;}]$", code) and not statement[0].startswith("CHAINRULE_MEMBERS"):
            continue
        whole, statement, depth = " ".join(statement), [], 0
        if UNTOLD.search(whole):
            for i in range(first, number + 1):
                lines[i] = ""
            continue
        if trailing and first == number:
            match = VARIABLES.match(whole)
            if match:
                told = "/** " + trailing + " */ "
                lines[number] = " ".join(
                    told + match[1] + name + ";" for name in split_names(match[2]))
        else:
            function = NAME.search(whole)
            name = function[1].strip() if function else ""
            text = first_paragraph(comment)
            match = VARIABLES.match(whole) if first == number and text else None
            if match:
                names = split_names(match[2])
                told = "/** " + text + " */ "
                lines[number] = " ".join([match[1] + names[0] + ";"] + [told + match[1] + each + ";" for each in names[1:]])
            elif not comment and held[0] and name and (name == held[1] or not in_class[-1]):
                lines[first] = "/** " + held[0] + " */ " + lines[first].strip()
                text = held[0]
            held = (text or held[0], name if text else held[1])
        comment = []
    return lines


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write("\n".join(filtered(file.read().split("\n"))))


if __name__ == "__main__":
    main()
