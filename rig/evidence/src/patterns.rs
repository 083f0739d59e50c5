//! Lists of patterns as ssh_config(5) has them: `*` any characters, `?` one, `!` before a pattern that excludes.

/// Patterns with commas between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patterns(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    excludes: bool,
    text: Vec<u8>,
}

impl Patterns {
    /// `None` where a pattern between the commas is empty.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let pattern = |part: &str| {
            let (excludes, rest) = part.strip_prefix('!').map_or((false, part), |rest| (true, rest));
            (!rest.is_empty()).then(|| Pattern { excludes, text: rest.as_bytes().to_vec() })
        };
        text.split(',').map(pattern).collect::<Option<Vec<_>>>().map(Self)
    }

    /// One that excludes outweighs all others, and alone it lets nothing in.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let hits = |pattern: &&Pattern| matches(text.as_bytes(), &pattern.text);
        let mut hit = self.0.iter().filter(hits).peekable();
        hit.peek().is_some() && hit.all(|pattern| !pattern.excludes)
    }

    /// The patterns that stand for one text each, and let it in.
    pub(crate) fn exact(&self) -> impl Iterator<Item = &str> {
        let exact = self.0.iter().filter(|p| !p.excludes && !p.text.iter().any(|b| matches!(b, b'*' | b'?')));
        exact.filter_map(|p| std::str::from_utf8(&p.text).ok()).filter(|text| self.matches(text))
    }
}

/// Takes time that grows with the product of the two lengths at worst.
fn matches(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    // Where the last `*` was met, and what it has been made to swallow.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => match &mut star {
                Some((place, swallowed)) => {
                    *swallowed += 1;
                    at = *swallowed;
                    in_pattern = *place + 1;
                }
                None => return false,
            },
        }
    }
    pattern[in_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_ssh_config() {
        let check = |list: &str, text: &str| Patterns::parse(list).expect("a list").matches(text);
        for (list, yes, no) in [
            ("anna", "anna", "Anna"),
            ("anna,bert", "bert", "anna,bert"),
            ("*@example.com", "anna@example.com", "anna@example.org"),
            ("rig-*", "rig-bench", "rig"),
            ("a?c", "abc", "ac"),
            ("*a*b*", "xxaxxbxx", "xxbxxaxx"),
            ("!bert,*", "anna", "bert"),
            ("*,!bert", "anna", "bert"),
            ("*", "", "\u{0}never"),
        ] {
            assert!(check(list, yes), "{list} {yes}");
            assert_eq!(check(list, no), list == "*", "{list} {no}");
        }
        assert!(!check("!bert", "anna"), "an exclusion lets nothing in by itself");
        for bad in ["", ",", "a,", "a,,b", "!", "a,!"] {
            assert_eq!(Patterns::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn exact_names_are_those_that_need_no_guess() {
        let list = Patterns::parse("anna,*@lab,!bert,bert,carl").expect("a list");
        assert_eq!(list.exact().collect::<Vec<_>>(), ["anna", "carl"]);
    }

    #[test]
    fn many_stars_end() {
        let pattern = "*a".repeat(200);
        assert!(!Patterns::parse(&pattern).expect("a list").matches(&"a".repeat(199)));
    }
}
