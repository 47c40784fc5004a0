//! A thread of the lowest scheduling priority for long computations.

use std::{
    fmt, io,
    sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    thread,
    time::Duration,
};

/// The lowest priority of a thread: the highest nice value (`sched(7)`).
#[cfg(target_os = "linux")]
const BACKGROUND_PRIORITY: i32 = 19;

/// A thread that runs one job after another at background priority. On other systems than Linux it has the normal
/// priority. It ends when this is dropped and its job is done.
pub(crate) struct LowPriorityThread<J, R> {
    jobs: SyncSender<J>,
    results: Receiver<R>,
}

impl<J, R> fmt::Debug for LowPriorityThread<J, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LowPriorityThread").finish_non_exhaustive()
    }
}

/// The state of a job that timed out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TimedOut<R> {
    /// It has finished since.
    Finished(R),
    /// It is still running.
    Running,
    /// The thread panicked, and runs no other job.
    Panicked,
}

impl<J: Send + 'static, R: Send + 'static> LowPriorityThread<J, R> {
    /// Starts a thread that runs jobs by `run`.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(
        name: &str,
        mut run: impl FnMut(J) -> R + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, received_jobs) = sync_channel(1);
        let (send_result, results) = sync_channel(1);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                lower_priority();
                for job in received_jobs {
                    if send_result.send(run(job)).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self { jobs, results })
    }

    /// Runs a job and waits for its result; `None` on a timeout. After a timeout, no other job may be run before
    /// [`poll_timed_out`](Self::poll_timed_out) has given the result.
    pub(crate) fn run(&self, job: J, timeout: Duration) -> Option<R> {
        self.jobs.send(job).ok()?;
        self.results.recv_timeout(timeout).ok()
    }

    /// The state of the job that timed out.
    pub(crate) fn poll_timed_out(&self) -> TimedOut<R> {
        match self.results.try_recv() {
            Ok(result) => TimedOut::Finished(result),
            Err(TryRecvError::Empty) => TimedOut::Running,
            Err(TryRecvError::Disconnected) => TimedOut::Panicked,
        }
    }
}

/// Sets the nice value. `SCHED_IDLE` would not do: Linux places other threads on the processor of an idle-priority thread
/// as on an idle one, and then, where they are of another service, such as the database, they wait for it.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::nice(BACKGROUND_PRIORITY) {
        tracing::warn!(%error, "cannot lower the priority of a hashing thread");
    }
}

/// Elsewhere, the nice value is that of the whole process.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::channel, thread::yield_now};

    use super::*;

    const NO_TIMEOUT: Duration = Duration::from_hours(1);

    #[test]
    fn jobs_run_one_after_another() {
        let thread = LowPriorityThread::start("test", |number: u32| number * 2).unwrap();
        assert_eq!(thread.run(21, NO_TIMEOUT), Some(42));
        assert_eq!(thread.run(1, NO_TIMEOUT), Some(2));
    }

    #[test]
    fn the_result_of_a_timed_out_job_can_be_taken_later() {
        let (release, released) = channel();
        let thread = LowPriorityThread::start("test", move |number: u32| {
            released.recv().unwrap();
            number * 2
        })
        .unwrap();
        assert_eq!(thread.run(21, Duration::ZERO), None);
        assert_eq!(thread.poll_timed_out(), TimedOut::Running);
        release.send(()).unwrap();
        let mut job = thread.poll_timed_out();
        while job == TimedOut::Running {
            yield_now();
            job = thread.poll_timed_out();
        }
        assert_eq!(job, TimedOut::Finished(42));
    }

    #[test]
    fn a_thread_that_panicked_runs_no_more_jobs() {
        let thread =
            LowPriorityThread::start("test", |(): ()| -> () { panic!("on purpose") }).unwrap();
        assert_eq!(thread.run((), NO_TIMEOUT), None);
        assert_eq!(thread.poll_timed_out(), TimedOut::Panicked);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_thread_has_background_priority() {
        let niceness = |(): ()| rustix::process::getpriority_process(None).unwrap();
        let thread = LowPriorityThread::start("test", niceness).unwrap();
        assert_eq!(thread.run((), NO_TIMEOUT), Some(BACKGROUND_PRIORITY));
    }
}
