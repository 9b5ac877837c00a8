//! Texts that YAML readers disagree about, made by rules and by dice.

use super::dice::Dice;

/// Everything, each once.
pub fn all() -> Vec<String> {
    let mut texts = scalars();
    texts.extend(tagged());
    texts.extend(blocks());
    texts.extend(of_several_lines());
    texts.extend(structures());
    texts.extend(markers());
    texts.extend(soup());
    texts.sort();
    texts.dedup();
    texts
}

/// Scalars that are, or look like, something other than a text.
const SCALARS: &[&str] = &[
    "",
    "~",
    "null",
    "Null",
    "NULL",
    "nULL",
    "true",
    "True",
    "TRUE",
    "tRUE",
    "false",
    "False",
    "FALSE",
    "y",
    "Y",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "n",
    "N",
    "no",
    "No",
    "NO",
    "on",
    "On",
    "ON",
    "off",
    "Off",
    "OFF",
    "oFF",
    "0",
    "-0",
    "+0",
    "00",
    "-00",
    "0.0",
    "-0.0",
    "1",
    "-1",
    "+1",
    "007",
    "08",
    "09",
    "-08",
    "0644",
    "-0644",
    "0_644",
    "0777_",
    "1_000",
    "_1",
    "1__0",
    "1_",
    "0x",
    "0x1F",
    "0X1f",
    "-0x1F",
    "+0x1F",
    "0x_1F",
    "0xG",
    "0b",
    "0b11",
    "0B11",
    "-0b11",
    "0b-1",
    "0b+1",
    "-0b-1",
    "0b12",
    "0o",
    "0o17",
    "0O17",
    "-0o17",
    "0o8",
    "0o_1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "+9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "0xFFFFFFFFFFFFFFFF",
    "0x1FFFFFFFFFFFFFFFF",
    "0777777777777777777777777",
    "0b1111111111111111111111111111111111111111111111111111111111111111",
    "1.",
    ".5",
    "-.5",
    "+.5",
    "1.5",
    "1.10",
    "01.5",
    "1.5.2",
    ".",
    "-",
    "+",
    "+-1",
    "--1",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1.e3",
    ".5e3",
    ".e3",
    "1e",
    "1e+",
    "e3",
    "1e3.5",
    "553640e6",
    "1234e56",
    "1e21",
    "1e20",
    "123456789012345678901234567890",
    "1e22",
    "9e999",
    "-9e999",
    "1e-400",
    "5e-324",
    "0.1",
    "0.000001",
    "0.0000001",
    "1e-7",
    "100000.0",
    "1000000.0",
    "123456789.0",
    "16777217.0",
    "16777217.5",
    "1e300",
    "9007199254740993.0",
    "9223372036854774784.0",
    "1e18",
    "9.3e18",
    "0x1p3",
    "0x1.8",
    ".inf",
    ".Inf",
    ".INF",
    "+.inf",
    "-.inf",
    "-.Inf",
    ".iNF",
    ".nan",
    ".NaN",
    ".NAN",
    "-.nan",
    "inf",
    "nan",
    "Infinity",
    ".1_0",
    "._1",
    ".1__0",
    ".1_",
    ".1e1_0",
    ".1e_1",
    "1_0.5_0",
    "1e1_0",
    "12:30",
    "12:30:45",
    "1:60",
    "190:20:30.15",
    "2026-11-23",
    "2026-1-2",
    "2026-13-01",
    "2026-11-23T10:00:00Z",
    "2026-11-23 10:00:00",
    "2026-11-23t10:00:00.5+01:00",
    "<<",
    "=",
    "a",
    "web",
    "a b",
    "a:b",
    "a#b",
    "a #b",
    "-a",
    "- a",
    "?a",
    "? a",
    ":a",
    "a:",
    "'",
    "''",
    "'it''s'",
    "\"\"",
    "\"a\"",
    "'0644'",
    "\"yes\"",
    "1 2",
    "0644 ",
    "1.2.3",
    "v1",
    "1m",
    "1Gi",
    "@a",
    "`a",
    "%a",
    "a%",
    "!a",
    "&a",
    "*a",
    "|a",
    ">a",
    "[a",
    "a]",
    "{a",
    "a}",
    "a,b",
    ",a",
    "a, b",
    "a\\nb",
    "http://a/b?c=d#e",
    "a: b",
    "- - a",
    "\u{e4}",
    "\u{1f600}",
    "\\",
    "\\n",
    "---",
    "...",
    "--- a",
    "...a",
    "--",
    "..",
    "#",
    "# a",
];

/// Places in which a scalar stands.
const PLACES: &[(&str, &str)] = &[
    ("", ""),
    ("", "\n"),
    ("a: ", "\n"),
    ("", ": 1\n"),
    ("- ", "\n"),
    ("[", "]\n"),
    ("{a: ", "}\n"),
    ("{", ": 1}\n"),
    ("a: &x ", "\nb: *x\n"),
    ("? ", "\n: 1\n"),
    ("a:\n  - b: ", "\n    c: 1\n"),
    ("{\"a\":", "}"),
    ("[1,", ",2]"),
    ("a: ", " # c\n"),
    ("a:\t", "\n"),
    ("a: ", "\t\n"),
];

fn scalars() -> Vec<String> {
    let mut dice = Dice::new(1);
    let made = (0..700).map(|_| {
        let kind = dice.roll(3);
        match kind {
            0 => dice.some(&["0", "1", "7", "8", "9", "_", ".", "e", "-", "+", "x", "b", "o", "E", "F"], 7),
            1 => dice.some(&["0", "1", "23", "456789", "00", ".", "e1", "E-2", "_", "-", "99999999999"], 4),
            _ => dice.some(
                &[
                    "a", "b", " ", ":", "#", "-", "?", ",", "[", "]", "{", "}", "!", "&", "*", "'", "\"",
                    "\t", "%", "@",
                ],
                6,
            ),
        }
    });
    let made: Vec<String> = made.collect();
    let mut texts = Vec::new();
    for scalar in SCALARS {
        texts.extend(PLACES.iter().map(|(before, after)| format!("{before}{scalar}{after}")));
    }
    for scalar in made {
        let (before, after) = PLACES[dice.roll(PLACES.len())];
        texts.push(format!("{before}{scalar}{after}"));
        texts.push(format!("a: {scalar}\n"));
    }
    texts
}

fn tagged() -> Vec<String> {
    const TAGS: &[&str] = &[
        "!!str",
        "!!int",
        "!!float",
        "!!bool",
        "!!null",
        "!!binary",
        "!!timestamp",
        "!!merge",
        "!!map",
        "!!seq",
        "!!foo",
        "!",
        "!foo",
        "!foo!bar",
        "!<tag:yaml.org,2002:int>",
        "!<!foo>",
        "!<foo>",
        "!!in%74",
        "!!",
        "!!omap",
        "!!set",
    ];
    const VALUES: &[&str] = &[
        "",
        "1",
        "\"1\"",
        "'0644'",
        "0x1F",
        "1.5",
        "yes",
        "\"yes\"",
        "~",
        "\"\"",
        "a",
        "<<",
        "\"<<\"",
        "aGk=",
        "aGk",
        "aGl=",
        "/w==",
        "8J+YgA==",
        "gIHwn5iA",
        "a G k =",
        "|\n  aGk=\n",
        "2026-11-23",
        "2026-1-2",
        "2026-02-30",
        "2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00",
        "2026-11-23 10:00:00",
        "2026-11-23 10:00:00Z",
        "2026-11-23t1:2:3.5+01:00",
        "2026-11-23T25:00:00Z",
        "18446744073709551615",
        "9007199254740993",
        "[a, 1]",
        "{a: 1}",
        ".inf",
        "1e3",
        "9e999",
        "*x",
    ];
    let mut texts = Vec::new();
    for tag in TAGS {
        for value in VALUES {
            texts.push(format!("x: &x 1\na: {tag} {value}\n"));
            texts.push(format!("{tag} {value}: {{b: 1}}\n"));
            texts.push(format!("[{tag} {value}, 1]\n"));
        }
        texts.push(format!("a: {tag}\n  b: 1\n"));
        texts.push(format!("a: {tag}\n- b\n"));
        texts.push(format!("a: &x {tag} 1\nb: *x\n"));
        texts.push(format!("a: {tag} &x 1\nb: *x\n"));
        texts.push(format!("{tag}\na: 1\n"));
    }
    texts
}

fn blocks() -> Vec<String> {
    const LINES: &[&str] = &[
        "  a\n",
        "  b c\n",
        "   more\n",
        "    much\n",
        "\n",
        " \n",
        "   \n",
        "  \t\n",
        "  \ttab\n",
        "  # no\n",
        " less\n",
        "\t\n",
        "  a  \n",
        "  - x\n",
        "  k: v\n",
        "  ---\n",
        "\r\n",
        "  a\r\n",
        "  \u{e4}\n",
    ];
    const HEADERS: &[&str] = &[
        "|",
        ">",
        "|-",
        ">-",
        "|+",
        ">+",
        "|2",
        ">2",
        "|1",
        ">1",
        "|3",
        "|2-",
        "|-2",
        ">+2",
        ">2+",
        "|0",
        "|10",
        "|--",
        "| ",
        "| # c",
        "|# c",
        "| a",
        ">\t",
        "|9",
        "!!str |",
        "&x |",
        "&x !!str >-",
    ];
    let mut dice = Dice::new(2);
    let mut texts = Vec::new();
    for header in HEADERS {
        for _ in 0..14 {
            let lines = dice.some(LINES, 5);
            let end =
                dice.pick(&["", "b: 1\n", "# c\n", "\n", "...\n", "---\nc: 1\n", " # c\n", "  # c\nb: 1\n"]);
            let (before, lines) = match dice.roll(4) {
                0 => ("- ", lines),
                1 => ("a:\n  b: ", lines.replace("  ", "    ")),
                2 => ("", lines.replacen("  ", "", dice.roll(3))),
                _ => ("a: ", lines),
            };
            let cut = dice.roll(8) == 0;
            let text = format!("{before}{header}\n{lines}{end}");
            texts.push(if cut { text.trim_end_matches('\n').to_owned() } else { text });
        }
    }
    texts
}

fn of_several_lines() -> Vec<String> {
    const BREAKS: &[&str] = &[
        "\n", "\n  ", "\n\n  ", "\n \n  ", "\n    ", "\r\n  ", "\r  ", "\n\t", "\n  \t", "\n ", "\n\n\n ",
        " \n  ", "\t\n  ",
    ];
    const WORDS: &[&str] = &[
        "a",
        "b c",
        "1",
        "#c",
        " #c",
        "k: v",
        "- d",
        "x:",
        ":",
        "\u{e4}",
        "---",
        "...",
        "[",
        "]",
        "{",
        "}",
        ",",
        "?",
        "'",
        "\"",
        "it''s",
        "\\n",
        "\\\n",
        "\\\n  ",
        "\\ ",
        "\\t",
        "\\\"",
        "\\x41",
        "\\u00e9",
        "\\U0001F600",
        "\\ud83d\\ude00",
        "\\ud800",
        "\\/",
        "\\0",
        "\\e",
        "\\_",
        "\\N",
        "\\L",
        "\\P",
        "\\q",
        "\\x4",
        "  ",
        "\t",
    ];
    let mut dice = Dice::new(3);
    let mut texts = Vec::new();
    for _ in 0..1100 {
        let quote = dice.pick(&["", "", "'", "\"", "\"", "\""]);
        let words: String = (0..=dice.roll(4))
            .map(|_| {
                let word = dice.pick(WORDS);
                let word = if quote == "\"" || !word.contains('\\') { word } else { "w" };
                format!("{word}{}", dice.pick(BREAKS))
            })
            .collect();
        let last = dice.pick(&["z", "", " "]);
        let scalar = format!("{quote}{words}{last}{quote}");
        texts.push(match dice.roll(7) {
            0 => format!("- {scalar}\n- b\n"),
            1 => format!("[{scalar}, b]\n"),
            2 => format!("{{a: {scalar}, b: c}}\n"),
            3 => format!("{scalar}: b\n"),
            4 => format!("a:\n  b: {scalar}\n  c: d\n"),
            5 => scalar,
            _ => format!("a: {scalar}\nb: c\n"),
        });
    }
    texts
}

/// A node, block style where it is the last thing of its line.
fn node(dice: &mut Dice, indent: usize, depth: usize, flow: bool) -> String {
    const LEAVES: &[&str] = &[
        "a",
        "1",
        "yes",
        "\"q\"",
        "'s'",
        "~",
        "",
        "0644",
        "a b",
        "1.5",
        "*x",
        "*y",
        "&x 1",
        "&y {k: v, l: w}",
        "!!str 1",
        "&x",
        "!t v",
        "http://a:80/b",
        "a-b",
        "x # c",
        "\"a: b\"",
        "[]",
        "{}",
        "- 1",
    ];
    const KEYS: &[&str] = &[
        "a", "b", "c", "d", "e", "f", "name", "1", "\"1\"", "yes", "\"true\"", "<<", "\"<<\"", "? g",
        "\"q r\"", "0x1", "1.0", "~", "'s'", "*x", "&z h", "[i]",
    ];
    let key = |dice: &mut Dice| if dice.roll(3) == 0 { dice.pick(KEYS) } else { dice.pick(&KEYS[..7]) };
    if depth == 0 || dice.roll(4) == 0 {
        return format!(" {}", dice.pick(LEAVES));
    }
    let pad = " ".repeat(indent);
    let count = 1 + dice.roll(3);
    let flow = flow || dice.roll(4) == 0;
    let anchor = dice.pick(&["", "", "", "", " &x", " &y", " !!map", " !t"]);
    match (flow, dice.roll(2)) {
        (true, 0) => {
            let items: Vec<String> = (0..count).map(|_| node(dice, indent, depth - 1, true)).collect();
            let between = dice.pick(&[",", ", ", ",\n   ", " ,"]);
            format!("{anchor} [{}{}]", items.join(between), dice.pick(&["", "", ","]))
        }
        (true, _) => {
            let entries = (0..count).map(|_| {
                let (key, value) = (key(dice), node(dice, indent, depth - 1, true));
                format!("{key}{}{value}", dice.pick(&[":", ":", ":", " :", ""]))
            });
            let entries: Vec<String> = entries.collect();
            let between = dice.pick(&[",", ", ", ",\n   "]);
            format!("{anchor} {{{}}}", entries.join(between))
        }
        (false, 0) => {
            let step = dice.pick(&["", "  ", " "]);
            let items = (0..count).map(|_| {
                let inner = node(dice, indent + step.len() + 2, depth - 1, false);
                format!("\n{pad}{step}-{inner}")
            });
            format!("{anchor}{}", items.collect::<String>())
        }
        _ => {
            let entries = (0..count).map(|_| {
                let (key, value) = (key(dice), node(dice, indent + 2, depth - 1, false));
                format!("\n{pad}{key}:{value}")
            });
            let entries: String = entries.collect();
            let comment = dice.pick(&["", "", "", " # c", "\n", "\n# c"]);
            format!("{anchor}{comment}{entries}")
        }
    }
}

fn structures() -> Vec<String> {
    let mut dice = Dice::new(4);
    let made = (0..1500).map(|at| {
        let before = dice.pick(&["", "", "x: &x {k: 1, m: 2}\ny: &y {k: 3, n: 4}\n", "x: &x s\ny: &y [1]\n"]);
        let text = node(&mut dice, 0, 3, false);
        let text = text.trim_start_matches(['\n', ' ']);
        let text = format!("{before}{text}\n");
        match at % 9 {
            7 => text.replace('\n', "\r\n"),
            8 => text.replace('\n', "\r"),
            _ => text,
        }
    });
    made.collect()
}

fn markers() -> Vec<String> {
    const LINES: &[&str] = &[
        "---\n",
        "---\n",
        "--- \n",
        "--- # c\n",
        "---\t\n",
        "---#c\n",
        "--- a\n",
        "---a\n",
        "----\n",
        "--- |\n",
        "--- {}\n",
        "...\n",
        "... # c\n",
        "...a\n",
        "a: 1\n",
        "b: 2\n",
        "- c\n",
        "text\n",
        "# c\n",
        "\n",
        " \n",
        "\u{feff}",
        "%YAML 1.1\n",
        "%YAML 1.2\n",
        "%TAG ! !a\n",
        "%a\n",
        " ---\n",
        "a: |\n",
        "  t\n",
        "\"q\n",
        "q\"\n",
        "'s'\n",
        "[f]\n",
        "{g: h}\n",
        "---\r\n",
        "a: 1\r\n",
        "---\r",
        "x\r",
        "\t\n",
        "- |\n ---\n",
        "&x a\n",
        "*x\n",
        "{\n",
        "}\n",
        "\u{85}",
        "\u{2028}",
        "? a\n",
        ": b\n",
        "!!str\n",
    ];
    let mut dice = Dice::new(5);
    (0..1100).map(|_| dice.some(LINES, 5)).collect()
}

/// Pieces that mean something to a parser, in any order.
fn soup() -> Vec<String> {
    const PIECES: &[&str] = &[
        "a",
        "b",
        "1",
        "0",
        ":",
        ": ",
        "- ",
        "-",
        "? ",
        "?",
        "\n",
        "\n  ",
        "\n ",
        " ",
        "\t",
        "[",
        "]",
        "{",
        "}",
        ",",
        ", ",
        "#",
        " #c\n",
        "&x ",
        "*x",
        "*x ",
        "!t ",
        "!!str ",
        "|",
        ">",
        "|\n ",
        "'",
        "\"",
        "\\n",
        "%",
        "@",
        "`",
        "<<: ",
        "~",
        "yes",
        "\r\n",
        "\r",
        "\n---\n",
        "\n...\n",
        "\u{e4}",
        "=",
        "a: ",
        "\nb: ",
        "\n- ",
        "''",
        "\"\"",
        "[]",
        "{}",
        "{a: 1}",
        "\n    c: ",
        "k:",
        "x: &x {a: 1}\n",
    ];
    let mut dice = Dice::new(6);
    (0..4000).map(|_| dice.some(PIECES, 9)).collect()
}
