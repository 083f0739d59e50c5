//! The words for the two positions of a line. Which of them is the active one is a matter of what the line does.

/// Words of a line: the active position, then the other.
const WORDS: &[(&str, &str, &str)] = &[
    ("power", "on", "off"),
    // Active means that the actuator does its work: it closes the catheter, it opens the leak.
    ("occluder", "closed", "open"),
    ("leak", "open", "closed"),
    ("refill", "on", "off"),
    ("button", "pressed", "released"),
    ("heartbeat", "on", "off"),
];

/// Whether this word means the active position of this line; otherwise which words may stand there.
pub(crate) fn active(line: &str, word: &str) -> Result<bool, String> {
    let (on, off) = words(line);
    match word {
        "active" => Ok(true),
        "inactive" => Ok(false),
        word if word == on => Ok(true),
        word if word == off => Ok(false),
        _ => Err(format!("`{line}` is `{on}` or `{off}`, or `active` or `inactive`")),
    }
}

fn words(line: &str) -> (&'static str, &'static str) {
    WORDS.iter().find(|(name, ..)| *name == line).map_or(("on", "off"), |(_, on, off)| (*on, *off))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_lines() {
        for (line, word, expected) in [
            ("power", "on", Some(true)),
            ("occluder", "closed", Some(true)),
            ("leak", "closed", Some(false)),
            ("leak", "open", Some(true)),
            ("button", "pressed", Some(true)),
            ("fan", "off", Some(false)),
            ("fan", "open", None),
            ("power", "closed", None),
            ("occluder", "active", Some(true)),
        ] {
            assert_eq!(active(line, word).ok(), expected, "{line} {word}");
        }
    }
}
