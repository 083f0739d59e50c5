//! Questions to whoever runs the rig. They block a thread of their own, never the loop.

use std::fmt;
use std::sync::Arc;

use rig_model::input::Input;
use tokio::sync::mpsc;

/// Scenarios ask one thing at a time; a case that ends leaves its question open while the next one asks.
const OPEN_PROMPTS: usize = 8;

/// Shows a text and waits for its confirmation: the name of who confirmed, or `None` for nobody. May block.
#[derive(Clone)]
pub struct Operator(Arc<Ask>);

type Ask = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Operator {
    pub fn new(ask: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operator")
    }
}

#[derive(Debug)]
pub(crate) struct Prompts {
    operator: Option<Operator>,
    to: mpsc::Sender<Reply>,
    from: mpsc::Receiver<Reply>,
    open: usize,
}

#[derive(Debug)]
struct Reply {
    id: u64,
    operator: Option<String>,
}

/// Sends whatever is known when the thread ends, so that a callback that panics is nobody there and not a wait for ever.
struct SendOnDrop {
    to: mpsc::Sender<Reply>,
    id: u64,
    operator: Option<String>,
}

impl Drop for SendOnDrop {
    fn drop(&mut self) {
        // There is room for as many replies as there can be open questions; without a receiver the run has ended.
        let _ = self.to.try_send(Reply { id: self.id, operator: self.operator.take() });
    }
}

impl Prompts {
    pub fn new(operator: Option<Operator>) -> Self {
        let (to, from) = mpsc::channel(OPEN_PROMPTS);
        Self { operator, to, from, open: 0 }
    }

    /// Asks. `Some` is the answer at once: nobody is there.
    pub fn ask(&mut self, id: u64, text: String) -> Option<Input> {
        let nobody = Some(Input::Answer { id, operator: None });
        let Some(Operator(ask)) = self.operator.clone() else { return nobody };
        if self.open == OPEN_PROMPTS {
            tracing::warn!("`{text}` is not asked: {OPEN_PROMPTS} questions are open");
            return nobody;
        }
        let reply = SendOnDrop { to: self.to.clone(), id, operator: None };
        self.open += 1;
        let asked = std::thread::Builder::new().name("prompt".to_owned()).spawn(move || {
            // All of it, not only the field that is set: the thread is to drop it.
            let mut reply = reply;
            reply.operator = ask(&text);
        });
        if let Err(error) = asked {
            // The reply was dropped with the thread's closure, and so was sent.
            tracing::warn!("nobody can be asked: {error}");
        }
        None
    }

    /// Waits for an answer; for ever if nothing was asked. Cancel safe.
    pub async fn answered(&mut self) -> Input {
        match self.from.recv().await {
            Some(Reply { id, operator }) => {
                self.open -= 1;
                Input::Answer { id, operator }
            }
            None => unreachable!("this holds a sender itself"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_come_with_the_id_of_their_question() {
        let mut prompts = Prompts::new(Some(Operator::new(|text| match text {
            "fill the reservoir" => Some("A. Nurse".to_owned()),
            "leave" => None,
            _ => panic!("a callback that fails"),
        })));
        for (id, text, operator) in [(4, "fill the reservoir", Some("A. Nurse".to_owned())), (5, "leave", None), (6, "panic", None)] {
            assert_eq!(prompts.ask(id, text.to_owned()), None);
            assert_eq!(prompts.answered().await, Input::Answer { id, operator });
        }
    }

    #[test]
    fn without_an_operator_nobody_is_there_at_once() {
        let mut prompts = Prompts::new(None);
        assert_eq!(prompts.ask(7, "anyone?".to_owned()), Some(Input::Answer { id: 7, operator: None }));
    }
}
