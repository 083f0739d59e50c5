//! What becomes of the run when one of its ports is gone.

use rig_model::input::{Input, Lost, Source};
use rig_model::time::RigTime;

use super::{DEAF_TOLD_EVERY, Ports};

impl Ports {
    pub(super) fn link_died(&mut self) {
        self.pace.declare_dead(Source::Link);
        let why = "the link's own task has ended".to_owned();
        self.own.push_back((Source::Link, Input::LinkDown { why: why.clone() }));
        self.fail(why);
    }

    pub(super) async fn lines_died(&mut self) {
        let why = match self.lines_end.join_next().await {
            Some(Ok(why)) => why,
            Some(Err(panic)) => panic.to_string(),
            None => "its task has ended".to_owned(),
        };
        let why = format!("the lines channel is gone: {why}");
        for id in std::mem::take(&mut self.outstanding).into_keys() {
            self.failed(id, why.clone());
        }
        let given_up = self.deeds.give_up(&why);
        self.own.extend(given_up.into_iter().map(|told| (Source::Bench, told)));
        if self.sensors.is_none() && self.deaf.is_none() {
            self.grow_deaf(why.clone());
        }
        self.fail(why);
        self.pace.declare_dead(Source::Bench);
    }

    pub(super) fn sensors_died(&mut self) {
        let Some(mut sensors) = self.sensors.take() else { return };
        let why = format!("the sensors can't be read any more: {}", sensors.reader.why());
        self.grow_deaf(why.clone());
        self.fail(why);
    }

    /// The other sensors are still heard, so that the safe-down can see whether flow has stopped.
    pub(super) async fn balance_died(&mut self) {
        let Some(mut weighing) = self.weighing.take() else { return };
        self.promises.without_balance();
        let name = weighing.channel.name.clone();
        let why = format!("channel `{name}` can't be read any more: {}", weighing.why().await);
        tracing::warn!("{why}");
        self.own.push_back((Source::Sensors, Input::Lost { what: Lost::because(why.clone()).of(name) }));
        self.fail(why);
    }

    pub(super) fn grow_deaf(&mut self, why: String) {
        self.lose(Source::Sensors, why.clone());
        self.pace.declare_dead(Source::Sensors);
        self.deaf = Some((why, self.clock.now()));
    }

    /// What is lost goes on being lost, also in a dwell that begins later.
    pub(super) fn stay_deaf(&mut self, now: RigTime) {
        if let Some((why, told)) = self.deaf.as_mut().filter(|(_, told)| now >= *told + DEAF_TOLD_EVERY) {
            *told = now;
            self.own.push_back((Source::Sensors, Input::Lost { what: Lost::because(why.clone()) }));
        }
    }
}
