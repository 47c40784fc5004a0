//! Signals to processes.

use rustix::process::{Pid, Signal, kill_process};
use todo_trials::{TrialResult, children};

/// Sends a signal to a process that this one started, or to one of its children.
pub(crate) fn send(process: u32, signal: Signal) -> TrialResult<()> {
    let process = Pid::from_raw(i32::try_from(process)?).ok_or("there is no process 0")?;
    Ok(kill_process(process, signal)?)
}

/// A process and its children that stand still, until this is dropped.
#[derive(Debug)]
pub(crate) struct Frozen {
    processes: Vec<u32>,
}

impl Frozen {
    /// Stops a process first, so that it has no more children, and then its children.
    pub(crate) fn freeze(process: u32) -> TrialResult<Self> {
        let mut frozen = Self {
            processes: vec![process],
        };
        send(process, Signal::STOP)?;
        for child in children(process)? {
            // It may have ended meanwhile.
            if send(child, Signal::STOP).is_ok() {
                frozen.processes.push(child);
            }
        }
        Ok(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for &process in &self.processes {
            drop(send(process, Signal::CONT));
        }
    }
}
