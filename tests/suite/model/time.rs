//! Lets time pass: schedules fire, and their wake-ups arrive, late, twice or never.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::operator::{Operator, secs, short};

/// A wake-up on its way.
pub(super) struct Delivery {
    at: Timestamp,
    event: Value,
    request: String,
    tries: usize,
}

impl Operator {
    pub(super) async fn outage(&mut self, mins: i64, lost: bool) {
        let until = self.world.now() + secs(mins * 60);
        self.world.until(until).await;
        let due: Vec<String> = {
            let state = self.world.state();
            let due = state.schedules.iter().filter(|(_, found)| found.next.is_some_and(|at| at < until));
            due.map(|(name, _)| name.clone()).collect()
        };
        for name in due {
            let event = self.world.fire(&name);
            self.world.clear_fired(&name);
            if let (Some(event), false) = (event, lost) {
                let request = format!("{name}-late");
                self.on_the_way.push(Delivery { at: until + secs(5), event, request, tries: 0 });
            }
        }
    }

    /// Lets time pass; wake-ups arrive as luck has it.
    pub(super) async fn pass(&mut self, until: Timestamp, luck: u64) -> Result<(), String> {
        let mut dice = fastrand::Rng::with_seed(luck);
        loop {
            let now = self.world.now();
            let sweep = self.world.next_sweep();
            let fires = {
                let state = self.world.state();
                state.schedules.iter().filter_map(|(name, found)| Some((found.next?.max(now), name.clone()))).min()
            };
            let arrives = self.on_the_way.iter().map(|delivery| delivery.at.max(now)).min();
            let next = [Some(sweep), fires.as_ref().map(|(at, _)| *at), arrives].into_iter().flatten().min();
            let next = next.expect("a sweep");
            if next > until {
                break;
            }
            self.world.until(next).await;
            if let Some((_, name)) = fires.filter(|(at, _)| *at == next) {
                self.fire(&name, luck, &mut dice);
            } else if arrives == Some(next) {
                let nth = self.on_the_way.iter().position(|delivery| delivery.at <= next).expect("one that arrives");
                let delivery = self.on_the_way.remove(nth);
                self.deliver(delivery).await?;
            } else if luck == 0 || dice.u8(0..5) > 0 {
                let request = format!("sweep-{}", self.world.state().invocations.len());
                self.deliver(Delivery { at: next, event: json!({"action": "sweep"}), request, tries: 0 }).await?;
            } else {
                self.note("a sweep is lost");
                self.world.until(next + secs(1)).await;
            }
        }
        self.world.until(until).await;
        Ok(())
    }

    fn fire(&mut self, name: &str, luck: u64, dice: &mut fastrand::Rng) {
        let now = self.world.now();
        let nth = self.world.state().invocations.len();
        let Some(event) = self.world.fire(name) else { return };
        self.world.clear_fired(name);
        let late: &[i64] = match dice.u8(0..12) {
            _ if luck == 0 => &[5],
            0 => &[],
            1 => &[5, 90],
            2 => &[180],
            3 => &[1500],
            4 => &[59],
            5 => &[0],
            _ => &[5],
        };
        if late != [5] {
            self.note(&format!("{name} arrives after {late:?} s"));
        }
        for (copy, late) in late.iter().enumerate() {
            let request = format!("{name}-{nth}-{copy}");
            self.on_the_way.push(Delivery { at: now + secs(*late), event: event.clone(), request, tries: 0 });
        }
    }

    /// An asynchronous invocation, which Lambda repeats twice where it fails.
    async fn deliver(&mut self, delivery: Delivery) -> Result<(), String> {
        let run = self.run(0, &delivery.event, &delivery.request).await;
        if !run.changed.is_empty() || !matches!(run.result, Some(Ok(_))) {
            self.note(&format!(
                "{} {} -> {} {:?}",
                delivery.request,
                delivery.event,
                short(run.result.as_ref()),
                run.changed
            ));
        }
        self.settle(&mut [])?;
        if delivery.event["action"] == "sweep" {
            self.swept(&run)?;
        }
        if !matches!(run.result, Some(Ok(_))) && delivery.tries < 2 {
            let at = self.world.now() + secs([60, 120][delivery.tries]);
            self.on_the_way.push(Delivery { at, tries: delivery.tries + 1, ..delivery });
        }
        self.look()
    }
}
