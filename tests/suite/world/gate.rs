//! The order in which two processes' calls reach AWS.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// So many calls of the one process, so many of the other, and so on.
#[derive(Debug)]
pub(crate) struct Gate {
    order: Mutex<Order>,
    changed: Notify,
}

#[derive(Debug)]
struct Order {
    runs: Vec<usize>,
    turn: usize,
    done: [bool; 2],
}

impl Gate {
    /// The first process makes `runs[0]` calls, the second `runs[1]`, the first `runs[2]`, …; in the end all are free.
    pub(crate) fn new(runs: &[usize]) -> Arc<Self> {
        let mut order = Order { runs: runs.iter().rev().copied().collect(), turn: 0, done: [false; 2] };
        order.settle();
        Arc::new(Self { order: Mutex::new(order), changed: Notify::new() })
    }

    pub(crate) async fn pass(&self, process: usize) {
        loop {
            let changed = self.changed.notified();
            {
                let mut order = self.order.lock().expect("no test panicked here");
                let turn = order.turn;
                match order.runs.last_mut() {
                    None => return,
                    Some(left) if turn == process && *left > 0 => {
                        *left -= 1;
                        return;
                    }
                    Some(_) => {}
                }
            }
            changed.await;
        }
    }

    /// A call is through: perhaps it is the other's turn now.
    pub(crate) fn through(&self) {
        self.order.lock().expect("no test panicked here").settle();
        self.changed.notify_waiters();
    }

    pub(crate) fn done(&self, process: usize) {
        self.order.lock().expect("no test panicked here").done[process] = true;
        self.through();
    }
}

impl Order {
    fn settle(&mut self) {
        while let Some(left) = self.runs.last() {
            if *left > 0 && !self.done[self.turn] {
                return;
            }
            self.runs.pop();
            self.turn = 1 - self.turn;
        }
    }
}
