//! What we refuse although the library reads it, each with an example of it and the reason.

pub struct Refusal {
    pub code: &'static str,
    /// Words of the message, which tell it from others of its code.
    pub says: &'static str,
    pub why: &'static str,
    pub example: &'static str,
}

macro_rules! refusals {
    ($($code:literal $says:literal $example:literal $why:literal;)+) => {
        pub const REFUSALS: &[Refusal] =
            &[$(Refusal { code: $code, says: $says, why: $why, example: $example }),+];
    };
}

refusals! {
    "I0106" "" "version https://git-lfs.github.com/spec/v1\n" "it is a pointer to a manifest, not one";
    "I0120" "byte order mark" "---\n\u{feff}a: 1\n" "it would become an invisible part of a key";
    "I0122" "stands twice" "a: 1\na: 2\n" "the first would be dropped; refused by the library where it is strict";
    "I0123" "the line of its `---`" "--- {a: 1}\n" "kubectl drops it or fails";
    "I0123" "takes a line that begins with `---`" "a\n---#b\n" "kubectl cuts there, and YAML does not";
    "I0123" "follows a line `...`" "a: 1\n...\nb: 2\n" "kubectl drops it";
    "I0123" "does not follow a line feed" "a: 1\r---\rb: 2\r" "kubectl drops it";
    "I0123" "has not begun" "---\n...\n" "with a document before it the library fails";
    "I0124" "levels deep" "DEEP" "no manifest needs it, and every reader of it would have to bear it";
    "I0125" "" "<<<<<<< a\n=======\n>>>>>>> b\n" "it was never meant to be deployed";
    "I0127" "the same key to Kubernetes" "1: a\n\"1\": b\n" "which of the two is kept is left to chance";
    "I0128" "a merge replaces" "x: &x {a: 1}\nz: {a: 2, <<: *x}\n" "YAML would keep it; refused by the library where it is strict";
    "I0131" "no value behind it" "[!!str , a]\n" "the parsers disagree where such a tag ends";
    "I0133" "ends a line for Kubernetes" "a: b\u{2028}  c\n" "what looks like one line is two";
    "I0133" "two carriage returns" "a: b\r\r\n  c\n" "kubectl removes one of them, which changes the text";

    "I0121" "a `#` follows a value" "a: []#b\n" "no YAML: a comment needs a blank before it";
    "I0121" "for a part of the text" "[a:]\n" "it looks like a key and is a text";
    "I0121" "`,` or the closing" "{a: b:}\n" "it looks like a key and is a text";
    "I0121" "a tab stands" "a: b\n \tc\n" "a tab is no blank, and most of these the library refuses";
    "I0121" "between brackets Kubernetes reads" "[?a]\n" "most of these the library refuses, and this one is no text";
    "I0121" "`-` alone" "[-]\n" "no YAML";
    "I0121" "a tag ends" "a: !]\n" "no YAML: a tag ends with a blank";
    "I0121" "a tag ends" "a: !!]\n" "no YAML: a tag ends with a blank";
    "I0121" "indented less than" "- |9\n  # b\n" "it looks like text and is dropped";
    "I0121" "must be indented" "|\n# b\n" "it looks like text and is dropped";
    "I0121" "has no `: ` behind it" "a:\n|\n b\n" "no YAML: a text is indented more than its key";
    "I0121" "fits no line above it" "x: &x k\na: &y\n  *x: 1\n" "no YAML: a blank belongs between an alias and its colon";
    "I0121" "names nothing" "x: &x k\na: {*x: 1}\n" "no YAML: a blank belongs between an alias and its colon";
    "I0121" "a key begins in one line" "{? a\n b : c}\n" "without the `?` the library refuses it";
    "I0121" "the name of an anchor" "a: &a?b\n" "it looks like a name and is a text";
}

impl Refusal {
    pub fn example(&self) -> String {
        match self.example {
            "DEEP" => "[".repeat(150) + &"]".repeat(150),
            example => example.to_owned(),
        }
    }

    pub fn is(&self, code: &str, message: &str) -> bool {
        self.code == code && message.contains(self.says)
    }
}
