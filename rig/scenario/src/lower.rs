//! From the tree of one case to checked steps: fragments put in, parameters put in, references resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rig_model::Name;
use rig_model::curve::CurvePlan;
use rig_model::dut::Verb;
use rig_model::scenario::{CurveAsked, DeliveryAsked, DrugAsked, Expected, Measure, Rolling, Step, StepKind, Until};
use rig_model::time::Span;

use crate::diagnostic::{Place, help_for, one_of};
use crate::expression::Scope;
use crate::grammar::{self, BARE, STEP};
use crate::library::Library;
use crate::limits::{MAX_INCLUDE_DEPTH, MAX_REPEAT, MAX_STEPS_PER_CASE, MAX_STEPS_PER_FILE, MAX_STEPS_PLAYED};
use crate::node::{Kind, Node};
use crate::read::{Fields, Reader, Sign};
use crate::requirements::Requirements;

/// Lowers the steps of one case.
pub(crate) struct Lower<'a, 'l> {
    pub read: Reader<'a>,
    pub library: &'a mut Library<'l>,
    pub known: Option<&'a Requirements>,
    /// The files being read: the scenario's, then the fragments included in each other.
    pub including: Vec<String>,
    /// Inside `finally`, where nothing may depend on how far the steps came.
    pub finally: bool,
    /// How often the steps being read are played: the product of the repeats around them.
    pub repeat: u64,
    pub windows: BTreeMap<Name, Window>,
    pub marks: BTreeSet<Name>,
    /// Steps of this case, and of all cases of the file.
    pub steps_of_case: usize,
    pub steps_of_file: usize,
    /// Steps of this case as often as they are played.
    pub steps_played: u64,
    /// Something here is judged.
    pub judged: bool,
}

/// A measured window as later steps may refer to it.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Empty after an error in it.
    pub channel: Name,
    pub closed: bool,
    pub rolling: Vec<Rolling>,
    /// What checks want of the drug.
    pub drug: Option<DrugAsked>,
    pub curve: Option<CurvePlan>,
    /// Windows of whole strokes that checks ask for.
    pub strokes: Vec<u32>,
    pub delivery: Option<DeliveryAsked>,
    /// How often it is measured, with the repeats around it.
    pub rounds: u64,
    /// The pump is told to start, to stop, while it is open.
    pub starts: bool,
    pub stops: bool,
}

impl Window {
    fn new() -> Self {
        Self {
            channel: "".into(),
            closed: false,
            rolling: Vec::new(),
            drug: None,
            curve: None,
            strokes: Vec::new(),
            delivery: None,
            rounds: 1,
            starts: false,
            stops: false,
        }
    }
}

impl Lower<'_, '_> {
    /// The steps of a list, with paths below `prefix`.
    pub fn steps(&mut self, node: &Node, prefix: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        let Some(items) = self.read.list(node, prefix.rsplit('.').next().unwrap_or(prefix)) else {
            return steps;
        };
        for (i, item) in items.iter().enumerate() {
            if !self.room_for_step(item.at) {
                break;
            }
            self.step(item, &format!("{prefix}.{}", i + 1), &mut steps);
        }
        steps
    }

    pub fn room_for_step(&mut self, at: Place) -> bool {
        self.steps_of_case += 1;
        self.steps_of_file += 1;
        self.steps_played = self.steps_played.saturating_add(self.repeat);
        if self.steps_played > MAX_STEPS_PLAYED {
            self.read.out.error(at, format!("with its repeats this case plays more than {MAX_STEPS_PLAYED} steps"));
            return false;
        }
        if self.steps_of_case > MAX_STEPS_PER_CASE {
            self.read.out.error(at, format!("more than {MAX_STEPS_PER_CASE} steps in one case, fragments put in"));
            return false;
        }
        if self.steps_of_file > MAX_STEPS_PER_FILE {
            self.read.out.error(at, format!("more than {MAX_STEPS_PER_FILE} steps in all cases of the file"));
            return false;
        }
        true
    }

    fn step(&mut self, node: &Node, path: &str, into: &mut Vec<Step>) {
        if let Kind::Scalar(_) = &node.kind {
            let step = self.bare(node).map(|verb| self.command(verb, None, Vec::new()));
            into.extend(step.map(|(text, kind)| Step { path: path.into(), text, kind }));
            return;
        }
        let Some((form, value, fields)) = self.read.form(node, STEP, "a step") else {
            return;
        };
        let head = form.head.name;
        if self.finally && matches!(head, "measure" | "check" | "mark") {
            let help = "measure and check in `steps`; `finally` is played on every way out, also when no window was ever opened";
            self.read.out.error_with_help(fields.at, format!("`{head}` can't stand in `finally`"), help);
            return;
        }
        if head == "include" {
            self.include(value, &fields, path, into);
            return;
        }
        let step = match head {
            "program" | "refill" | "set_clock" | "end_refill" | "record" => self.verb(head, value),
            word if BARE.contains(&word) => self.verb(head, value),
            "wait" => self.wait(value),
            "expect" => self.expect(value),
            "measure" => self.measure(value, &fields, path),
            "check" => self.check(value),
            "set" => self.set(value),
            "inject" => self.inject(value),
            "mark" => self.mark(value),
            "prompt" => self.prompt(value, &fields),
            "repeat" => self.repeated(value, &fields, path),
            _ => None,
        };
        into.extend(step.map(|(text, kind)| Step { path: path.into(), text, kind }));
    }

    fn bare(&mut self, node: &Node) -> Option<Verb> {
        let word = self.read.text(node, "step")?;
        let verb = bare_verb(word);
        if verb.is_none() {
            let heads: Vec<&str> = BARE.iter().copied().chain(STEP.iter().map(|f| f.head.name)).collect();
            let (message, help) = match heads.contains(&word) {
                true => (format!("`{word}` needs more than the word"), format!("write `- {word}: …`")),
                false => (format!("`{word}` is not a step"), help_for(word, &heads)),
            };
            self.read.out.error_with_help(node.at, message, help);
        }
        verb
    }

    fn wait(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let span = self.read.time(node, "wait", Sign::Positive)?;
        Some((format!("wait {span}"), StepKind::Wait(span)))
    }

    fn mark(&mut self, node: &Node) -> Option<(String, StepKind)> {
        let name = self.read.name(node, "mark")?;
        if !self.marks.insert(name.clone()) {
            self.read.out.error(node.at, format!("the mark `{name}` was set before"));
        }
        Some((format!("mark `{name}`"), StepKind::Mark { name }))
    }

    fn prompt(&mut self, node: &Node, fields: &Fields<'_>) -> Option<(String, StepKind)> {
        let text = self.read.text(node, "prompt")?.trim().to_owned();
        let within = self.read.time(fields.get("within")?, "within", Sign::Positive)?;
        Some((format!("ask: {text}"), StepKind::Prompt { text, within }))
    }

    fn repeated(&mut self, node: &Node, fields: &Fields<'_>, path: &str) -> Option<(String, StepKind)> {
        let times = self.read.whole(node, "repeat", 1, MAX_REPEAT);
        let before = self.repeat;
        self.repeat = before.saturating_mul(times.unwrap_or(1));
        if self.repeat > MAX_REPEAT {
            self.read.out.error(node.at, format!("repeats in each other come to {} rounds; {MAX_REPEAT} are allowed", self.repeat));
        }
        let steps = self.steps(fields.get("steps")?, &format!("{path}.steps"));
        self.repeat = before;
        let times = u32::try_from(times?).ok()?;
        Some((format!("repeat {times} times"), StepKind::Repeat { times, steps }))
    }

    fn measure(&mut self, node: &Node, fields: &Fields<'_>, path: &str) -> Option<(String, StepKind)> {
        let name = self.read.name(node, "measure");
        let channel = fields.get("on").and_then(|n| self.channel(n, "on", &["flow.", "pressure.", "balance"]));
        let until = self.until(fields, channel.as_ref());
        let flows = channel.as_ref().is_none_or(|c| c.starts_with("flow."));
        let curve = fields.get("curve").map(|n| self.curve(n, flows, until.as_ref()));
        let delivery = fields.get("delivery").map(|n| self.delivery(n, flows));
        if let Some(name) = &name {
            let window = Window { channel: channel.clone().unwrap_or_else(|| "".into()), rounds: self.repeat, ..Window::new() };
            if self.windows.insert(name.clone(), window).is_some() {
                self.read.out.error(node.at, format!("a window `{name}` was opened before"));
            }
        }
        let during = fields.get("during").map(|n| self.steps(n, &format!("{path}.during"))).unwrap_or_default();
        if let Some(window) = name.as_ref().and_then(|n| self.windows.get_mut(n)) {
            window.closed = true;
            window.curve = curve.clone().flatten();
            window.delivery = delivery.flatten();
            window.starts = tells(&during, &Verb::Start);
            window.stops = tells(&during, &Verb::Stop);
        }
        let (name, channel, until) = (name?, channel?, until?);
        let (curve, delivery) = (curve.map_or(Some(None), |c| c.map(Some))?, delivery.map_or(Some(None), |d| d.map(Some))?);
        let curve = curve.map(|plan| Box::new(CurveAsked { plan, strokes: Vec::new() }));
        if during.is_empty() && until == Until::StepsDone && fields.sound {
            let help = "say `for:`, `until:`, or what is done in it with `during:`";
            self.read.out.error_with_help(fields.at, format!("the window `{name}` would close as it opens"), help);
        }
        let text = format!("measure `{name}` on {channel}{}", until_text(&until));
        Some((text, StepKind::Measure(Measure { name, channel, during, until, rolling: Vec::new(), drug: None, curve, delivery })))
    }

    fn until(&mut self, fields: &Fields<'_>, channel: Option<&Name>) -> Option<Until> {
        let within = match fields.get("within") {
            Some(node) => Some((node, self.read.time(node, "within", Sign::Positive)?)),
            None => None,
        };
        let node = match (fields.get("until"), fields.get("for")) {
            (Some(_), Some(_)) => {
                self.read.out.error(fields.key_at("for"), "`for` and `until` can't both say when the window closes");
                return None;
            }
            (Some(node), None) => node,
            (None, length) => return self.until_time(length, within.is_some().then(|| fields.key_at("within"))),
        };
        if node.scalar().is_some() {
            self.read.choice(node, "until", &["steps_done"])?;
            return self.until_time(None, within.is_some().then(|| fields.key_at("within")));
        }
        let until = self.read.map(node, grammar::UNTIL, "`until`")?;
        let what = self.until_condition(&until, channel)?;
        let quiet = until.get("quiet_for").map(|n| self.read.time(n, "quiet_for", Sign::Positive));
        let then_quiet = until.get("then_quiet_for").map(|n| self.read.time(n, "then_quiet_for", Sign::Positive));
        let then_quiet_for = match (&what, quiet, then_quiet) {
            (_, None, None) => None,
            (None, Some(quiet), None) => Some(quiet?),
            (Some(_), None, Some(then_quiet)) => Some(then_quiet?),
            _ => {
                let help = "`quiet_for` stands alone; `then_quiet_for` stands behind `pump`, `alarm` or `volume`";
                self.read.out.error_with_help(until.at, "this `until` does not fit together", help);
                return None;
            }
        };
        if what.is_none() && then_quiet_for.is_none() {
            self.read
                .out
                .error(until.at, format!("`until` says nothing; it has one of {}", one_of(["pump", "alarm", "volume", "quiet_for"])));
            return None;
        }
        if then_quiet_for.is_some() && channel.is_some_and(|c| !c.starts_with("flow.")) {
            self.read.out.error(until.at, "only a flow channel can be quiet");
            return None;
        }
        let Some((_, within)) = within else {
            self.read.out.error_with_help(fields.key_at("until"), "`until` has no deadline", "add `within:`");
            return None;
        };
        Some(Until::Condition { what, then_quiet_for, within })
    }

    fn until_time(&mut self, length: Option<&Node>, within: Option<Place>) -> Option<Until> {
        if let Some(at) = within {
            self.read.out.error_with_help(at, "`within` needs an `until` with a condition", "`for:` says how long the window is");
        }
        match length {
            Some(node) => self.read.time(node, "for", Sign::Positive).map(Until::Elapsed),
            None => Some(Until::StepsDone),
        }
    }

    fn include(&mut self, node: &Node, fields: &Fields<'_>, path: &str, into: &mut Vec<Step>) {
        let Some(written) = self.read.text(node, "include") else { return };
        let from = self.including.last().cloned().unwrap_or_default();
        let Some(file) = self.resolved(&from, written, node.at) else { return };
        if let Some(first) = self.including.iter().position(|f| *f == file) {
            let ring: Vec<&str> = self.including[first..].iter().map(String::as_str).chain([file.as_str()]).collect();
            self.read.out.error(node.at, format!("these files include each other in a ring: {}", ring.join(" → ")));
            return;
        }
        if self.including.len() > MAX_INCLUDE_DEPTH {
            self.read.out.error(node.at, format!("fragments include each other more than {MAX_INCLUDE_DEPTH} deep"));
            return;
        }
        let fragment = match self.library.fragment(&file, self.read.out) {
            Ok(fragment) => fragment,
            Err(why) => {
                self.read.out.error(node.at, format!("the fragment `{file}` can't be read: {why}"));
                return;
            }
        };
        let Some(fragment) = fragment else {
            self.read.out.error(node.at, format!("the fragment `{file}` has errors"));
            return;
        };
        let Some(scope) = self.fragment_scope(&fragment, fields) else { return };
        let outer = std::mem::replace(&mut self.read.scope, scope);
        self.including.push(file);
        if let Some(steps) = fragment.get("steps") {
            into.extend(self.steps(steps, &format!("{path}.include")));
        }
        self.including.pop();
        self.read.scope = outer;
    }

    fn resolved(&mut self, from: &str, written: &str, at: Place) -> Option<String> {
        let file = crate::library::beside(from, written);
        if file.is_none() {
            let help = "an include is a path relative to the file that it stands in, with `/`";
            self.read.out.error_with_help(at, format!("`{written}` is not a path that can be included"), help);
        }
        file
    }

    /// The parameters of a fragment: those given with the include, evaluated here; the others by their defaults.
    fn fragment_scope(&mut self, fragment: &Rc<Node>, fields: &Fields<'_>) -> Option<Scope> {
        let parameters = fragment.entries("parameters");
        let given = match fields.get("with") {
            Some(node) => self.read.entries(node, "`with`")?,
            None => &[],
        };
        let names: Vec<&str> = parameters.iter().map(|p| p.key.as_str()).collect();
        for entry in given.iter().filter(|e| !names.contains(&e.key.as_str())) {
            self.read.out.error_with_help(
                entry.key_at,
                format!("the fragment has no parameter `{}`", entry.key),
                help_for(&entry.key, &names),
            );
        }
        let mut scope = Scope::new();
        let mut complete = true;
        for parameter in parameters {
            let value = match given.iter().find(|e| e.key == parameter.key) {
                Some(entry) => self.read.value(&entry.value, &entry.key),
                None if parameter.value.is_empty() => {
                    self.read
                        .out
                        .error(fields.at, format!("the fragment's parameter `{}` has no default: give it in `with:`", parameter.key));
                    None
                }
                None => {
                    let outer = std::mem::replace(&mut self.read.scope, scope.clone());
                    let value = self.read.value(&parameter.value, &parameter.key);
                    self.read.scope = outer;
                    value
                }
            };
            complete &= value.is_some();
            scope.extend(value.map(|v| (parameter.key.clone(), v)));
        }
        complete.then_some(scope)
    }

    /// Names of requirements, each seen to exist.
    pub fn verifies(&mut self, fields: &Fields<'_>) -> Vec<Name> {
        let Some(node) = fields.get("verifies") else { return Vec::new() };
        let mut names: Vec<Name> = Vec::new();
        for item in self.read.one_or_more(node, "verifies") {
            let Some(name) = self.read.name(item, "verifies") else { continue };
            if let Some(known) = self.known.filter(|k| k.get(&name).is_none()) {
                let ids: Vec<&str> = known.ids().collect();
                let help = crate::diagnostic::nearest(&name, ids.iter().copied());
                let help = help.map_or_else(|| "add it to requirements.csv".to_owned(), |near| format!("did you mean `{near}`?"));
                self.read.out.error_with_help(item.at, format!("there is no requirement `{name}`"), help);
            }
            if names.contains(&name) {
                self.read.out.error(item.at, format!("`{name}` stands here twice"));
            }
            names.push(name);
        }
        names
    }

    /// A channel, of one of the kinds that its name begins with.
    pub fn channel(&mut self, node: &Node, key: &str, kinds: &[&str]) -> Option<Name> {
        let name = self.read.name(node, key)?;
        // A bench has one balance, and any number of the others.
        if kinds.iter().any(|kind| if kind.ends_with('.') { name.starts_with(kind) && name.len() > kind.len() } else { &*name == *kind }) {
            return Some(name);
        }
        let kinds: Vec<&str> = kinds.iter().map(|k| k.trim_end_matches('.')).collect();
        let help = "channels are called by their quantity: `flow.pump`, `flow.tip`, `pressure.line`, `balance`";
        self.read.out.error_with_help(node.at, format!("`{key}` wants a {} channel; `{name}` is none", kinds.join(" or ")), help);
        None
    }
}

/// Whether the pump is given this verb somewhere in the steps.
fn tells(steps: &[Step], wanted: &Verb) -> bool {
    steps.iter().any(|step| match &step.kind {
        StepKind::Command { verb, expect: Expected::Accepted, .. } => verb == wanted,
        StepKind::Measure(measure) => tells(&measure.during, wanted),
        StepKind::Repeat { steps, .. } => tells(steps, wanted),
        _ => false,
    })
}

fn bare_verb(word: &str) -> Option<Verb> {
    Some(match word {
        "start" => Verb::Start,
        "stop" => Verb::Stop,
        "acknowledge" => Verb::Acknowledge,
        "factory_reset" => Verb::FactoryReset,
        "identify" => Verb::Identify,
        "read_log" => Verb::ReadLog,
        "read_back" => Verb::ReadBack,
        "confirm" => Verb::Confirm,
        "discard" => Verb::Discard,
        "patient_bolus" => Verb::PatientBolus,
        "begin_refill" => Verb::BeginRefill,
        "silence" => Verb::Silence,
        "shut_down" => Verb::ShutDown,
        "therapy" => Verb::Therapy,
        _ => return None,
    })
}

fn until_text(until: &Until) -> String {
    match until {
        Until::StepsDone => String::new(),
        Until::Elapsed(span) => format!(" for {span}"),
        Until::Condition { what, then_quiet_for, within } => {
            let what = what.as_ref().map(crate::expect::condition_text);
            let quiet = then_quiet_for.map(|q: Span| format!("quiet for {q}"));
            let both: Vec<String> = what.into_iter().chain(quiet).collect();
            format!(" until {}, within {within}", both.join(", then "))
        }
    }
}

impl Lower<'_, '_> {
    fn verb(&mut self, head: &str, value: &Node) -> Option<(String, StepKind)> {
        match head {
            "program" => return self.program(value),
            "refill" => return self.refill(value),
            "set_clock" => return self.set_clock(value),
            "end_refill" => return self.end_refill(value),
            "record" => return self.record(value),
            _ => {}
        }
        let verb = bare_verb(head)?;
        let fields = if value.is_empty() {
            // `start:` with nothing behind is `start`.
            return Some(self.command(verb, None, Vec::new()));
        } else {
            let keys = STEP.iter().find(|f| f.head.name == head).map(|f| f.head.ty);
            let Some(grammar::Ty::Map(keys)) = keys else { return None };
            self.read.map(value, keys, &format!("`{head}`"))?
        };
        self.answered(verb, &fields)
    }
}
