//! Which command was executed last, so that one whose reply was lost, and which is sent again, is executed once.

use pump_link::{Command, Refusal, Request};

/// Newer than the newest request seen: less than half of the 65,536 numbers ahead of it.
const HALF: u16 = 1 << 15;

pub type Answer = Result<(), Refusal>;

#[derive(Debug, Clone, Default)]
pub struct Recall(Option<Last>);

#[derive(Debug, Clone)]
struct Last {
    session: u32,
    command: Command,
    answer: Answer,
    /// Number of the newest request seen in this session, of any kind.
    newest: u16,
    /// By how many numbers the newest is ahead of the command; held at the end of its scale.
    ahead: u16,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Known {
    New,
    /// Executed, with this answer.
    Again(Answer),
    /// Older than the last one that was executed, or its number with another command: not to be executed.
    Stale,
}

impl Recall {
    /// A request came in. The numbers of queries count too: with polls between the commands a number comes round again after days.
    pub fn seen(&mut self, request: &Request) {
        let Some(last) = self.0.as_mut().filter(|last| last.session == request.session) else { return };
        let step = request.seq.wrapping_sub(last.newest);
        if (1..HALF).contains(&step) {
            last.newest = request.seq;
            last.ahead = last.ahead.saturating_add(step);
        }
    }

    /// To be asked before [`Recall::seen`].
    pub fn look_up(&self, request: &Request) -> Known {
        let Some(last) = self.0.as_ref().filter(|last| last.session == request.session) else { return Known::New };
        if (1..HALF).contains(&request.seq.wrapping_sub(last.newest)) {
            return Known::New;
        }
        let behind = last.newest.wrapping_sub(request.seq);
        if behind < last.ahead {
            Known::New
        } else if behind == last.ahead && request.command == last.command {
            Known::Again(last.answer)
        } else {
            Known::Stale
        }
    }

    pub fn remember(&mut self, request: &Request, answer: Answer) {
        self.seen(request);
        let newest = self.0.as_ref().filter(|last| last.session == request.session).map_or(request.seq, |last| last.newest);
        let ahead = newest.wrapping_sub(request.seq);
        self.0 = Some(Last { session: request.session, command: request.command, answer, newest, ahead });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(session: u32, seq: u16, command: Command) -> Request {
        Request { session, seq, command }
    }

    #[test]
    fn only_the_same_number_with_the_same_command_is_the_same() {
        let mut recall = Recall::default();
        assert_eq!(recall.look_up(&request(1, 10, Command::Start)), Known::New);
        recall.remember(&request(1, 10, Command::Start), Err(Refusal::NothingProgrammed));
        for (asked, known) in [
            (request(1, 10, Command::Start), Known::Again(Err(Refusal::NothingProgrammed))),
            (request(1, 10, Command::Stop), Known::Stale),
            (request(1, 9, Command::Start), Known::Stale),
            (request(1, 11, Command::Start), Known::New),
            (request(2, 10, Command::Start), Known::New),
            (request(2, 9, Command::Start), Known::New),
        ] {
            assert_eq!(recall.look_up(&asked), known, "{asked:?}");
        }
    }

    #[test]
    fn a_command_that_polls_have_overtaken_is_still_new() {
        let mut recall = Recall::default();
        recall.remember(&request(1, 10, Command::Start), Ok(()));
        recall.seen(&request(1, 12, Command::Status));
        assert_eq!(recall.look_up(&request(1, 11, Command::Stop)), Known::New);
        recall.remember(&request(1, 11, Command::Stop), Ok(()));
        assert_eq!(recall.look_up(&request(1, 11, Command::Stop)), Known::Again(Ok(())));
        assert_eq!(recall.look_up(&request(1, 10, Command::Start)), Known::Stale);
    }

    #[test]
    fn numbers_that_come_round_again_are_new() {
        let mut recall = Recall::default();
        recall.remember(&request(1, 10, Command::Start), Ok(()));
        for poll in 11..=(65_536_u32 + 9) {
            recall.seen(&request(1, poll as u16, Command::Status));
        }
        assert_eq!(recall.look_up(&request(1, 10, Command::Start)), Known::New);
    }
}
